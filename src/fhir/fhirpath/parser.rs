//! Tokens to the tree of an expression, by the precedence of FHIRPath N1 6.8.

use smol_str::SmolStr;

use super::fault::SyntaxFault;
use super::functions::{self, Function, Reads};
use super::lexer::{Token, TokenKind, tokens};
use super::quantity::{Quantity, Unit, calendar_unit};
use super::syntax::{Action, Form, Operator, Pattern, Step, Term, TypeName, TypeOperator};
use super::value::Value;
use crate::base::limits::{FHIRPATH_DEPTH_MAX, FHIRPATH_TEXT_BYTES_MAX};

/// Operators of two terms by precedence, the loosest first; those of one level bind from the left.
const LEVELS: &[&[(&str, Operator)]] = &[
    &[("implies", Operator::Implies)],
    &[("or", Operator::Or), ("xor", Operator::Xor)],
    &[("and", Operator::And)],
    &[("in", Operator::In), ("contains", Operator::Contains)],
    &[("=", Operator::Equal), ("~", Operator::Equivalent), ("!=", Operator::NotEqual), ("!~", Operator::NotEquivalent)],
    &[("<=", Operator::LessOrEqual), ("<", Operator::Less), (">=", Operator::GreaterOrEqual), (">", Operator::Greater)],
    &[("|", Operator::Union)],
];

/// Tighter than `is` and `as`.
const TIGHT_LEVELS: &[&[(&str, Operator)]] = &[
    &[("+", Operator::Plus), ("-", Operator::Minus), ("&", Operator::Concatenate)],
    &[("*", Operator::Times), ("/", Operator::Over), ("div", Operator::Div), ("mod", Operator::Mod)],
];

pub fn parse(text: &str) -> Result<Term, SyntaxFault> {
    if text.len() > FHIRPATH_TEXT_BYTES_MAX {
        return Err(SyntaxFault { at: FHIRPATH_TEXT_BYTES_MAX, expected: "a shorter expression" });
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0 };
    let term = parser.expression()?;
    match parser.peek() {
        TokenKind::End => Ok(term),
        _ => parser.fault("an operator, a dot or the end"),
    }
}

struct Parser<'t> {
    tokens: Vec<Token<'t>>,
    next: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn token(&self) -> &Token<'t> {
        // The last token is the end, and nothing steps over it.
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn peek(&self) -> &TokenKind<'t> {
        &self.token().kind
    }

    fn at(&self) -> usize {
        self.token().at
    }

    fn fault<T>(&self, expected: &'static str) -> Result<T, SyntaxFault> {
        Err(SyntaxFault { at: self.at(), expected })
    }

    /// Takes a sign or key word if it is next.
    fn takes(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), TokenKind::Sign(next) | TokenKind::Name(next) if *next == word);
        self.next += usize::from(found);
        found
    }

    fn must_take(&mut self, word: &str, expected: &'static str) -> Result<(), SyntaxFault> {
        if self.takes(word) { Ok(()) } else { self.fault(expected) }
    }

    /// What nests goes through here, so that no text can exhaust the stack.
    fn expression(&mut self) -> Result<Term, SyntaxFault> {
        if self.depth >= FHIRPATH_DEPTH_MAX {
            return self.fault("an expression that nests less");
        }
        self.depth += 1;
        let term = self.level(LEVELS);
        self.depth -= 1;
        term
    }

    fn level(&mut self, levels: &'static [&'static [(&'static str, Operator)]]) -> Result<Term, SyntaxFault> {
        let Some((operators, tighter)) = levels.split_first() else { return self.typed() };
        self.left_to_right(operators, |parser| parser.level(tighter))
    }

    fn tight_level(&mut self, levels: &'static [&'static [(&'static str, Operator)]]) -> Result<Term, SyntaxFault> {
        let Some((operators, tighter)) = levels.split_first() else { return self.polarity() };
        self.left_to_right(operators, |parser| parser.tight_level(tighter))
    }

    /// Operands and operators of one level. A chain nests to the left, so it counts as depth.
    fn left_to_right(
        &mut self,
        operators: &[(&str, Operator)],
        operand: impl Fn(&mut Self) -> Result<Term, SyntaxFault>,
    ) -> Result<Term, SyntaxFault> {
        let depth = self.depth;
        let mut term = operand(self)?;
        while let Some((at, operator)) = self.operator(operators) {
            if self.depth >= FHIRPATH_DEPTH_MAX {
                return self.fault("an expression that nests less");
            }
            self.depth += 1;
            let right = operand(self)?;
            term = Term { at, form: Form::Binary(operator, Box::new([term, right])) };
        }
        self.depth = depth;
        Ok(term)
    }

    fn operator(&mut self, operators: &[(&str, Operator)]) -> Option<(usize, Operator)> {
        let at = self.at();
        let (_, operator) = operators.iter().find(|(word, _)| self.takes(word))?;
        Some((at, *operator))
    }

    fn typed(&mut self) -> Result<Term, SyntaxFault> {
        let mut term = self.tight_level(TIGHT_LEVELS)?;
        for _ in self.depth..FHIRPATH_DEPTH_MAX {
            let at = self.at();
            let operator = if self.takes("is") {
                TypeOperator::Is
            } else if self.takes("as") {
                TypeOperator::As
            } else {
                return Ok(term);
            };
            term = Term { at, form: Form::Typed(operator, Box::new(term), self.type_name()?) };
        }
        self.fault("an expression that nests less")
    }

    fn polarity(&mut self) -> Result<Term, SyntaxFault> {
        let at = self.at();
        let negative = self.takes("-");
        if !negative && !self.takes("+") {
            return self.path();
        }
        if self.depth >= FHIRPATH_DEPTH_MAX {
            return self.fault("an expression that nests less");
        }
        self.depth += 1;
        let operand = Box::new(self.polarity()?);
        self.depth -= 1;
        Ok(Term { at, form: Form::Polarity { negative, operand } })
    }

    fn path(&mut self) -> Result<Term, SyntaxFault> {
        let at = self.at();
        let start = self.start()?;
        let mut steps = Vec::new();
        let base = match start {
            Start::Step(step) => {
                steps.push(step);
                None
            }
            Start::Term(term) => Some(term),
        };
        loop {
            let at = self.at();
            if self.takes(".") {
                steps.push(self.step()?);
            } else if self.takes("[") {
                let index = self.expression()?;
                self.must_take("]", "a closing bracket ]")?;
                steps.push(Step { at, action: Action::Item(index) });
            } else {
                break;
            }
        }
        Ok(match base {
            Some(term) if steps.is_empty() => term,
            base => Term { at, form: Form::Path(base.map(Box::new), steps) },
        })
    }

    fn start(&mut self) -> Result<Start, SyntaxFault> {
        let at = self.at();
        let form = match self.peek().clone() {
            TokenKind::Name("true") => self.taken(Form::Literal(Value::Boolean(true))),
            TokenKind::Name("false") => self.taken(Form::Literal(Value::Boolean(false))),
            TokenKind::Name(_) | TokenKind::Delimited(_) => return Ok(Start::Step(self.step()?)),
            TokenKind::Literal(value) => self.literal(value),
            TokenKind::String(text) => self.taken(Form::Literal(Value::String(text))),
            TokenKind::Special(name) => self.special(name)?,
            TokenKind::Sign("(") => {
                self.next += 1;
                let term = self.expression()?;
                self.must_take(")", "a closing bracket )")?;
                return Ok(Start::Term(term));
            }
            TokenKind::Sign("{") => {
                self.next += 1;
                self.must_take("}", "a closing brace }")?;
                Form::Empty
            }
            TokenKind::Sign("%") => {
                self.next += 1;
                Form::Constant(self.constant_name()?)
            }
            TokenKind::Sign(_) | TokenKind::End => return self.fault("a name, a literal or an opening bracket"),
        };
        Ok(Start::Term(Term { at, form }))
    }

    fn taken(&mut self, form: Form) -> Form {
        self.next += 1;
        form
    }

    fn special(&mut self, name: &str) -> Result<Form, SyntaxFault> {
        let form = match name {
            "this" => Form::This,
            "index" => Form::Index,
            "total" => Form::Total,
            _ => return self.fault("$this, $index or $total"),
        };
        Ok(self.taken(form))
    }

    fn constant_name(&mut self) -> Result<SmolStr, SyntaxFault> {
        let name = match self.peek() {
            TokenKind::Name(name) => SmolStr::new(name),
            TokenKind::Delimited(name) | TokenKind::String(name) => name.clone(),
            _ => return self.fault("the name of a constant"),
        };
        self.next += 1;
        Ok(name)
    }

    /// A literal; a number with a unit behind it is a quantity.
    fn literal(&mut self, value: Value) -> Form {
        self.next += 1;
        let Some(number) = value.number() else { return Form::Literal(value) };
        let unit = match self.peek() {
            TokenKind::String(unit) => Some(Unit::Ucum(unit.clone())),
            TokenKind::Name(word) => calendar_unit(word).map(Unit::Calendar),
            _ => None,
        };
        let Some(unit) = unit else { return Form::Literal(value) };
        self.taken(Form::Literal(Quantity { value: number, unit }.into()))
    }

    fn step(&mut self) -> Result<Step, SyntaxFault> {
        let at = self.at();
        let name = self.identifier()?;
        if !self.takes("(") {
            return Ok(Step { at, action: Action::Member(name) });
        }
        let Some(function) = functions::find(&name) else {
            return Err(SyntaxFault { at, expected: "a function that FHIRPath has" });
        };
        let arguments = self.arguments(function)?;
        if !function.takes(arguments.len()) {
            return Err(SyntaxFault { at, expected: "as many arguments as the function takes" });
        }
        Ok(Step { at, action: Action::Call(function, arguments) })
    }

    /// Key words that may also be names of elements are names here.
    fn identifier(&mut self) -> Result<SmolStr, SyntaxFault> {
        let name = match self.peek() {
            TokenKind::Name(name) => SmolStr::new(name),
            TokenKind::Delimited(name) => name.clone(),
            _ => return self.fault("a name"),
        };
        self.next += 1;
        Ok(name)
    }

    fn arguments(&mut self, function: &Function) -> Result<Vec<Term>, SyntaxFault> {
        let mut arguments = Vec::new();
        if self.takes(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.argument(function.reads, arguments.len())?);
            if !self.takes(",") {
                self.must_take(")", "a comma or a closing bracket )")?;
                return Ok(arguments);
            }
        }
    }

    fn argument(&mut self, reads: Reads, number: usize) -> Result<Term, SyntaxFault> {
        let at = self.at();
        match reads {
            Reads::Type => Ok(Term { at, form: Form::Type(self.type_name()?) }),
            Reads::Pattern if number == 0 => Ok(as_pattern(self.expression()?)),
            Reads::Order => {
                let term = self.expression()?;
                self.ordered(term)
            }
            _ => self.expression(),
        }
    }

    /// `sort(a, b desc)`: the direction as a sign before it.
    fn ordered(&mut self, term: Term) -> Result<Term, SyntaxFault> {
        let at = term.at;
        if self.takes("desc") {
            return Ok(Term { at, form: Form::Polarity { negative: true, operand: Box::new(term) } });
        }
        self.takes("asc");
        Ok(term)
    }

    fn type_name(&mut self) -> Result<TypeName, SyntaxFault> {
        let first = self.identifier()?;
        if self.takes(".") {
            return Ok(TypeName { namespace: Some(first), name: self.identifier()? });
        }
        Ok(TypeName { namespace: None, name: first })
    }
}

enum Start {
    Step(Step),
    Term(Term),
}

fn as_pattern(term: Term) -> Term {
    match term {
        Term { at, form: Form::Literal(Value::String(text)) } => Term { at, form: Form::Pattern(Pattern::new(text)) },
        other => other,
    }
}
