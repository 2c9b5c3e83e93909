//! When a rule applies: `PID-29 not valued`, `PV1-2 in (I, E)`, `count(OBX-5) > 1 and not (OBX-2 = NA)`.
//!
//! Texts are compared without regard to case, as table codes are written both ways. A path that stands for several
//! values is equal to a text when one of them is. `!=` is the opposite of `=`, so that an absent value differs from
//! every text.

use smol_str::SmolStr;

use super::lexer::{Lexer, Token};
use super::source::{self, Source};
use super::{Fault, source::is_segment_name};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Valued(Source),
    /// The segment is there.
    Present(SmolStr),
    /// Equal to one of the texts.
    In(Source, Vec<SmolStr>),
    CountAbove(Source, u16),
    CountBelow(Source, u16),
    /// A value has more characters.
    LengthAbove(Source, u16),
}

impl Condition {
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let mut lexer = Lexer::new(text)?;
        let condition = any(&mut lexer)?;
        lexer.finish()?;
        Ok(condition)
    }
}

fn any(lexer: &mut Lexer) -> Result<Condition, Fault> {
    chain(lexer, "or", all, Condition::Any)
}

fn all(lexer: &mut Lexer) -> Result<Condition, Fault> {
    chain(lexer, "and", one, Condition::All)
}

fn chain(
    lexer: &mut Lexer,
    word: &str,
    part: fn(&mut Lexer) -> Result<Condition, Fault>,
    join: fn(Vec<Condition>) -> Condition,
) -> Result<Condition, Fault> {
    let first = part(lexer)?;
    let mut parts = vec![first];
    while lexer.word(word) {
        parts.push(part(lexer)?);
    }
    Ok(if parts.len() == 1 { parts.remove(0) } else { join(parts) })
}

fn one(lexer: &mut Lexer) -> Result<Condition, Fault> {
    if lexer.word("not") {
        return Ok(Condition::Not(Box::new(one(lexer)?)));
    }
    if lexer.sign("(") {
        let inner = any(lexer)?;
        return if lexer.sign(")") { Ok(inner) } else { lexer.fault("a closing bracket") };
    }
    test(lexer)
}

fn test(lexer: &mut Lexer) -> Result<Condition, Fault> {
    let offset = lexer.offset();
    let Some(Token::Word(word)) = lexer.next() else {
        return Err(Fault::new(offset, "a path"));
    };
    if word == "count" && lexer.sign("(") {
        return count(lexer);
    }
    if word == "length" && lexer.sign("(") {
        return length(lexer);
    }
    let negated = lexer.word("not");
    let test = if is_segment_name(&word) && lexer.word("valued") {
        Condition::Present(word.into())
    } else {
        comparison(lexer, source::path_at(&word, offset)?)?
    };
    Ok(if negated { Condition::Not(Box::new(test)) } else { test })
}

fn comparison(lexer: &mut Lexer, source: Source) -> Result<Condition, Fault> {
    if lexer.word("valued") {
        return Ok(Condition::Valued(source));
    }
    if lexer.sign("=") {
        return Ok(Condition::In(source, vec![literal(lexer)?]));
    }
    if lexer.sign("!=") {
        return Ok(Condition::Not(Box::new(Condition::In(source, vec![literal(lexer)?]))));
    }
    if lexer.word("in") && lexer.sign("(") {
        let mut texts = Vec::new();
        while !lexer.sign(")") {
            if !texts.is_empty() && !lexer.sign(",") {
                return lexer.fault("a comma or a closing bracket");
            }
            texts.push(literal(lexer)?);
        }
        return Ok(Condition::In(source, texts));
    }
    lexer.fault("`valued`, `not valued`, `= TEXT`, `!= TEXT` or `in (TEXT, …)`")
}

fn literal(lexer: &mut Lexer) -> Result<SmolStr, Fault> {
    let offset = lexer.offset();
    match lexer.next() {
        Some(Token::Word(text) | Token::Quoted(text)) => Ok(text.into()),
        _ => Err(Fault::new(offset, "a word or a quoted text")),
    }
}

/// The path in brackets behind a measure.
fn measured(lexer: &mut Lexer) -> Result<Source, Fault> {
    let offset = lexer.offset();
    let Some(Token::Word(path)) = lexer.next() else {
        return Err(Fault::new(offset, "a path"));
    };
    let path = source::path_at(&path, offset)?;
    if lexer.sign(")") { Ok(path) } else { lexer.fault("a closing bracket") }
}

fn number(lexer: &mut Lexer) -> Result<u16, Fault> {
    let offset = lexer.offset();
    literal(lexer)?.parse().map_err(|_| Fault::new(offset, "a number"))
}

fn length(lexer: &mut Lexer) -> Result<Condition, Fault> {
    let path = measured(lexer)?;
    if !lexer.sign(">") {
        return lexer.fault("`> NUMBER`");
    }
    Ok(Condition::LengthAbove(path, number(lexer)?))
}

fn count(lexer: &mut Lexer) -> Result<Condition, Fault> {
    let path = measured(lexer)?;
    let above = lexer.sign(">");
    if !above && !lexer.sign("<") {
        return lexer.fault("`> NUMBER` or `< NUMBER`");
    }
    let limit = number(lexer)?;
    Ok(if above { Condition::CountAbove(path, limit) } else { Condition::CountBelow(path, limit) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_bind_and_before_or() {
        let valued = |path| Condition::Valued(Source::parse(path).unwrap());
        assert_eq!(
            Condition::parse("PID-3 valued or PID-4 valued and PID-5 not valued"),
            Ok(Condition::Any(vec![
                valued("PID-3"),
                Condition::All(vec![valued("PID-4"), Condition::Not(Box::new(valued("PID-5")))]),
            ]))
        );
        assert_eq!(Condition::parse("ORC not valued"), Ok(Condition::Not(Box::new(Condition::Present("ORC".into())))));
        let source = Source::parse("XTN.3").unwrap();
        let texts = vec!["Internet".into(), "X.400".into()];
        assert_eq!(
            Condition::parse("XTN.3 not in (Internet, \"X.400\")"),
            Ok(Condition::Not(Box::new(Condition::In(source, texts))))
        );
        assert!(matches!(Condition::parse("count(OBX-5) > 1"), Ok(Condition::CountAbove(_, 1))));
        assert!(matches!(Condition::parse("length(PID-7) > 8"), Ok(Condition::LengthAbove(_, 8))));
    }

    #[test]
    fn faults_point_at_their_place() {
        for (text, offset) in [
            ("", 0),
            ("PID-3", 5),
            ("PID-3 is valued", 6),
            ("PID-3 valued and", 16),
            ("(PID-3 valued", 13),
            ("PID-3 in (A B)", 12),
            ("PID-3 = ", 8),
            ("count(OBX-5) > many", 15),
            ("length(PID-7) < 8", 14),
            ("PID-3 valued PID-4 valued", 13),
            ("Q = 1", 0),
        ] {
            assert_eq!(Condition::parse(text).map_err(|fault| fault.offset), Err(offset), "{text:?}");
        }
    }
}
