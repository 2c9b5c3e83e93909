//! Tokens to the tree of an expression, by the precedence of FHIRPath N1 6.8.

use smol_str::SmolStr;

use super::fault::SyntaxFault;
use super::functions::{self, Function, Reads};
use super::lexer::{Token, TokenKind, tokens};
use super::members::Member;
use super::quantity::{Quantity, Unit, calendar_unit};
use super::syntax::{Action, Form, Operator, Pattern, Step, Term, TypeName, TypeOperator};
use super::value::Value;
use crate::base::limits::{FHIRPATH_DEPTH_MAX, FHIRPATH_TEXT_BYTES_MAX};

/// Operators of two terms with how tightly they bind, all from the left.
const OPERATORS: &[(&str, u8, Operator)] = &[
    ("implies", 0, Operator::Implies),
    ("or", 1, Operator::Or),
    ("xor", 1, Operator::Xor),
    ("and", 2, Operator::And),
    ("in", 3, Operator::In),
    ("contains", 3, Operator::Contains),
    ("=", 4, Operator::Equal),
    ("~", 4, Operator::Equivalent),
    ("!=", 4, Operator::NotEqual),
    ("!~", 4, Operator::NotEquivalent),
    ("<=", 5, Operator::LessOrEqual),
    ("<", 5, Operator::Less),
    (">=", 5, Operator::GreaterOrEqual),
    (">", 5, Operator::Greater),
    ("|", 6, Operator::Union),
    ("+", 8, Operator::Plus),
    ("-", 8, Operator::Minus),
    ("&", 8, Operator::Concatenate),
    ("*", 9, Operator::Times),
    ("/", 9, Operator::Over),
    ("div", 9, Operator::Div),
    ("mod", 9, Operator::Mod),
];

/// How tightly `is` and `as` bind.
const TYPE_TIGHTNESS: u8 = 7;

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

    fn expression(&mut self) -> Result<Term, SyntaxFault> {
        self.operators(0)
    }

    /// Every operator and every bracket goes deeper, so that no text can exhaust the stack of whoever walks the tree.
    fn deepen(&mut self) -> Result<(), SyntaxFault> {
        if self.depth >= FHIRPATH_DEPTH_MAX {
            return self.fault("an expression that nests less");
        }
        self.depth += 1;
        Ok(())
    }

    /// A term and the operators behind it that bind as tightly as asked or tighter.
    fn operators(&mut self, loosest: u8) -> Result<Term, SyntaxFault> {
        let depth = self.depth;
        self.deepen()?;
        let mut term = self.polarity()?;
        loop {
            let at = self.at();
            if let Some(operator) = self.type_operator(loosest) {
                self.deepen()?;
                term = Term { at, form: Form::Typed(operator, Box::new(term), self.type_name()?) };
            } else if let Some((tightness, operator)) = self.operator(loosest) {
                self.deepen()?;
                let right = self.operators(tightness + 1)?;
                term = Term { at, form: Form::Binary(operator, Box::new([term, right])) };
            } else {
                self.depth = depth;
                return Ok(term);
            }
        }
    }

    fn operator(&mut self, loosest: u8) -> Option<(u8, Operator)> {
        let (TokenKind::Sign(word) | TokenKind::Name(word)) = self.peek() else { return None };
        let found = OPERATORS.iter().find(|(known, ..)| known == word);
        let (_, tightness, operator) = found.filter(|(_, tightness, _)| *tightness >= loosest)?;
        self.next += 1;
        Some((*tightness, *operator))
    }

    fn type_operator(&mut self, loosest: u8) -> Option<TypeOperator> {
        let operator = match self.peek() {
            TokenKind::Name("is") => TypeOperator::Is,
            TokenKind::Name("as") => TypeOperator::As,
            _ => return None,
        };
        if loosest > TYPE_TIGHTNESS {
            return None;
        }
        self.next += 1;
        Some(operator)
    }

    fn polarity(&mut self) -> Result<Term, SyntaxFault> {
        let at = self.at();
        let negative = self.takes("-");
        if !negative && !self.takes("+") {
            return self.path();
        }
        self.deepen()?;
        let operand = Box::new(self.polarity()?);
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
            return Ok(Step { at, action: Action::Member(Member::named(name)) });
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
                Ok(self.ordered(term))
            }
            _ => self.expression(),
        }
    }

    /// `sort(a, b desc)`: the direction as a sign before it.
    fn ordered(&mut self, term: Term) -> Term {
        let at = term.at;
        if self.takes("desc") {
            return Term { at, form: Form::Polarity { negative: true, operand: Box::new(term) } };
        }
        self.takes("asc");
        term
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
