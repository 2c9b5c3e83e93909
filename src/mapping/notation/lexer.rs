//! Words, quoted texts and signs of conditions and function calls.

use super::Fault;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A path, a number or a bare word.
    Word(String),
    Quoted(String),
    /// One of `( ) , = != < >`.
    Sign(&'static str),
}

/// The tokens of one scalar, with a cursor.
pub struct Lexer {
    tokens: Vec<(usize, Token)>,
    at: usize,
    end: usize,
}

const SIGNS: [&str; 7] = ["!=", "(", ")", ",", "=", "<", ">"];

impl Lexer {
    pub fn new(text: &str) -> Result<Self, Fault> {
        let mut tokens = Vec::new();
        let mut at = 0;
        while let Some(next) = text[at..].chars().next() {
            let rest = &text[at..];
            if next.is_whitespace() {
                at += next.len_utf8();
            } else if next == '"' {
                let length = rest[1..].find('"').ok_or_else(|| Fault::new(at, "a closing quote"))?;
                tokens.push((at, Token::Quoted(rest[1..=length].to_owned())));
                at += length + 2;
            } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
                tokens.push((at, Token::Sign(sign)));
                at += sign.len();
            } else {
                let length = rest
                    .find(|c: char| c.is_whitespace() || "(),=!<>\"".contains(c))
                    .filter(|length| *length > 0)
                    .unwrap_or(rest.len());
                tokens.push((at, Token::Word(rest[..length].to_owned())));
                at += length;
            }
        }
        Ok(Self { tokens, at: 0, end: text.len() })
    }

    pub fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    pub fn offset(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(offset, _)| *offset)
    }

    pub fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).map(|(_, token)| token.clone());
        self.at += usize::from(token.is_some());
        token
    }

    /// Takes the sign if it is next.
    pub fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(found);
        found
    }

    /// Takes the word if it is next.
    pub fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(next)) if next == word);
        self.at += usize::from(found);
        found
    }

    pub fn fault<T>(&self, expected: &str) -> Result<T, Fault> {
        Err(Fault::new(self.offset(), expected))
    }

    /// Nothing may be left.
    pub fn finish(&self) -> Result<(), Fault> {
        if self.at == self.tokens.len() { Ok(()) } else { self.fault("the end") }
    }
}
