//! Text to tokens (FHIRPath N1, appendix B): names, literals and signs, each with its place.

use std::borrow::Cow;

use smol_str::SmolStr;

use super::decimal::Decimal;
use super::fault::SyntaxFault;
use super::temporal::{Temporal, TemporalKind};
use super::value::Value;

#[derive(Clone, Debug)]
pub struct Token<'t> {
    pub at: usize,
    pub kind: TokenKind<'t>,
}

#[derive(Clone, Debug)]
pub enum TokenKind<'t> {
    /// A name or key word as it stands.
    Name(&'t str),
    /// A name in back ticks, which is never a key word.
    Delimited(SmolStr),
    String(SmolStr),
    /// A number, date, date-time or time.
    Literal(Value),
    /// `$this`, `$index`, `$total`, without the sign.
    Special(&'t str),
    /// Operators and punctuation.
    Sign(&'static str),
    End,
}

/// Two letters before one, so that `<=` is not `<`.
const SIGNS: &[&str] = &[
    "<=", ">=", "!=", "!~", "(", ")", "[", "]", "{", "}", ".", ",", "+", "-", "*", "/", "&", "|", "<", ">", "=", "~",
    "%",
];

pub fn tokens(text: &str) -> Result<Vec<Token<'_>>, SyntaxFault> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks()?;
        let at = lexer.at;
        let kind = lexer.next()?;
        let end = matches!(kind, TokenKind::End);
        tokens.push(Token { at, kind });
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn fault<T>(&self, expected: &'static str) -> Result<T, SyntaxFault> {
        Err(SyntaxFault { at: self.at, expected })
    }

    /// Takes what stands before the first character that does not fit.
    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !fits(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn skip_blanks(&mut self) -> Result<(), SyntaxFault> {
        loop {
            self.take_while(char::is_whitespace);
            if self.rest().starts_with("//") {
                self.take_while(|c| c != '\n' && c != '\r');
            } else if self.rest().starts_with("/*") {
                match self.rest().find("*/") {
                    Some(end) => self.at += end + 2,
                    None => return self.fault("a comment that ends with */"),
                }
            } else {
                return Ok(());
            }
        }
    }

    fn next(&mut self) -> Result<TokenKind<'t>, SyntaxFault> {
        let Some(first) = self.rest().chars().next() else { return Ok(TokenKind::End) };
        match first {
            'A'..='Z' | 'a'..='z' | '_' => Ok(TokenKind::Name(self.name())),
            '0'..='9' => self.number(),
            '\'' | '"' => Ok(TokenKind::String(self.quoted(first)?)),
            '`' => Ok(TokenKind::Delimited(self.quoted(first)?)),
            '@' => self.temporal(),
            '$' => {
                self.at += 1;
                Ok(TokenKind::Special(self.name()))
            }
            _ => match SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
                Some(sign) => {
                    self.at += sign.len();
                    Ok(TokenKind::Sign(sign))
                }
                None => self.fault("a name, a literal or an operator"),
            },
        }
    }

    fn name(&mut self) -> &'t str {
        self.take_while(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    /// `12`, `12.50`; a dot without a digit behind begins the next step.
    fn number(&mut self) -> Result<TokenKind<'t>, SyntaxFault> {
        let from = self.at;
        self.take_while(|c| c.is_ascii_digit());
        let fraction = self.rest().as_bytes();
        let decimal = fraction.first() == Some(&b'.') && fraction.get(1).is_some_and(u8::is_ascii_digit);
        if decimal {
            self.at += 1;
            self.take_while(|c| c.is_ascii_digit());
        }
        let text = &self.text[from..self.at];
        let integer = if decimal { None } else { text.parse().ok().map(Value::Integer) };
        match integer.or_else(|| Decimal::parse(text).map(Value::Decimal)) {
            Some(value) => Ok(TokenKind::Literal(value)),
            None => Err(SyntaxFault { at: from, expected: "a number of at most 38 digits" }),
        }
    }

    /// `@2015-02-04T14:34:28+10:00`, `@2015T`, `@T14:34`.
    fn temporal(&mut self) -> Result<TokenKind<'t>, SyntaxFault> {
        let from = self.at;
        self.at += 1;
        let date = self.take_while(|c| c.is_ascii_digit() || c == '-');
        let timed = self.rest().starts_with('T');
        let kind = match (date.is_empty(), timed) {
            (true, _) => TemporalKind::Time,
            (false, true) => TemporalKind::DateTime,
            (false, false) => TemporalKind::Date,
        };
        if timed {
            self.at += 1;
            self.clock(kind == TemporalKind::DateTime);
        }
        let text = &self.text[from + 1..self.at];
        let text = if kind == TemporalKind::Time { text.strip_prefix('T').unwrap_or("") } else { text };
        match Temporal::parse(kind, text) {
            Some(value) => Ok(TokenKind::Literal(Value::Temporal(value))),
            None => Err(SyntaxFault { at: from, expected: "a date, date-time or time" }),
        }
    }

    fn clock(&mut self, zoned: bool) {
        self.take_while(|c| c.is_ascii_digit() || c == ':');
        let fraction = self.rest().as_bytes();
        if fraction.first() == Some(&b'.') && fraction.get(1).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
            self.take_while(|c| c.is_ascii_digit());
        }
        if !zoned || self.at == 0 || !self.text.as_bytes()[self.at - 1].is_ascii_digit() {
            return;
        }
        if self.rest().starts_with('Z') {
            self.at += 1;
        } else if is_offset(self.rest().as_bytes()) {
            self.at += "+00:00".len();
        }
    }

    /// Text between two equal marks, with its escapes resolved.
    fn quoted(&mut self, mark: char) -> Result<SmolStr, SyntaxFault> {
        let from = self.at;
        self.at += 1;
        let mut text = Cow::Borrowed("");
        loop {
            let plain = self.take_while(|c| c != mark && c != '\\');
            if text.is_empty() {
                text = Cow::Borrowed(plain);
            } else {
                text.to_mut().push_str(plain);
            }
            match self.rest().chars().next() {
                None => return Err(SyntaxFault { at: from, expected: "a closing quote" }),
                Some('\\') => text.to_mut().push(self.escaped()?),
                Some(_) => {
                    self.at += 1;
                    return Ok(text.into());
                }
            }
        }
    }

    fn escaped(&mut self) -> Result<char, SyntaxFault> {
        let sign = self.rest().chars().nth(1);
        let taken = match sign {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('f') => '\u{c}',
            Some('u') => return self.unicode(),
            Some(sign @ ('\\' | '/' | '\'' | '"' | '`')) => sign,
            _ => return self.fault("one of the escapes \\\\ \\/ \\' \\\" \\` \\n \\r \\t \\f \\uXXXX"),
        };
        self.at += 2;
        Ok(taken)
    }

    /// `\u0065`, and two halves of a character outside the basic plane.
    fn unicode(&mut self) -> Result<char, SyntaxFault> {
        let unit = |text: &str| {
            let digits = text.strip_prefix("\\u")?.get(..4)?;
            digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
        };
        let units = [unit(self.rest()), self.rest().get(6..).and_then(unit)];
        let decoded = match units {
            [Some(first), _] if char::from_u32(u32::from(first)).is_some() => {
                char::from_u32(u32::from(first)).map(|c| (c, 6))
            }
            [Some(first), Some(second)] => {
                char::decode_utf16([first, second]).next().and_then(Result::ok).map(|c| (c, 12))
            }
            _ => None,
        };
        match decoded {
            Some((character, length)) => {
                self.at += length;
                Ok(character)
            }
            None => self.fault("four hexadecimal digits of a character"),
        }
    }
}

/// `+10:00`, whatever follows.
fn is_offset(text: &[u8]) -> bool {
    matches!(text, [b'+' | b'-', h, i, b':', m, n, ..] if [h, i, m, n].into_iter().all(u8::is_ascii_digit))
}
