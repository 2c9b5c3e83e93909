//! Exact decimals: digits and a scale, so that `1.50` stays `1.50` and `0.1 + 0.2` is `0.3`.

use std::cmp::Ordering;
use std::fmt;

/// Digits behind the point that are kept; the specification asks for eight, FHIR resources have shown eighteen.
pub const SCALE_MAX: u32 = 28;

/// Digits behind the point of a quotient that does not end before.
const QUOTIENT_SCALE: u32 = 16;

/// `digits × 10^-scale`. Results that do not fit are `None`, which FHIRPath shows as the empty collection.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    digits: i128,
    scale: u32,
}

impl Decimal {
    pub const ZERO: Self = Self { digits: 0, scale: 0 };
    pub const ONE: Self = Self { digits: 1, scale: 0 };

    pub const fn new(digits: i128, scale: u32) -> Self {
        Self { digits, scale }
    }

    /// Reads `-12.50`, and the `1.2e-3` that JSON allows. Digits past the largest scale are rounded away.
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, unsigned) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        if whole.is_empty() || (fraction.is_empty() && unsigned.contains('.')) {
            return None;
        }
        let mut value = Self::ZERO;
        for (at, digit) in whole.bytes().chain(fraction.bytes()).enumerate() {
            let digit = i128::from(digit.is_ascii_digit().then(|| digit - b'0')?);
            if at < whole.len() || value.scale < SCALE_MAX {
                value.digits = value.digits.checked_mul(10)?.checked_add(digit)?;
                value.scale += u32::from(at >= whole.len());
            }
        }
        value.digits *= if negative { -1 } else { 1 };
        value.shifted(exponent)
    }

    /// Times `10^exponent`.
    pub fn shifted(self, exponent: i32) -> Option<Self> {
        let scale = i64::from(self.scale) - i64::from(exponent);
        match u32::try_from(scale) {
            Ok(scale) if scale <= SCALE_MAX => Some(Self { scale, ..self }),
            Ok(scale) => {
                let digits = divide_rounding(self.digits, power_of_ten(scale - SCALE_MAX)?);
                Some(Self { digits, scale: SCALE_MAX })
            }
            Err(_) => {
                let factor = power_of_ten(u32::try_from(-scale).ok()?)?;
                Some(Self { digits: self.digits.checked_mul(factor)?, scale: 0 })
            }
        }
    }

    pub const fn scale(self) -> u32 {
        self.scale
    }

    pub const fn is_zero(self) -> bool {
        self.digits == 0
    }

    pub const fn is_negative(self) -> bool {
        self.digits < 0
    }

    pub fn negated(self) -> Self {
        Self { digits: -self.digits, ..self }
    }

    pub fn abs(self) -> Self {
        Self { digits: self.digits.abs(), ..self }
    }

    /// The digits at a scale not smaller than its own.
    fn digits_at(self, scale: u32) -> Option<i128> {
        self.digits.checked_mul(power_of_ten(scale - self.scale)?)
    }

    fn aligned(self, other: Self) -> Option<(i128, i128, u32)> {
        let scale = self.scale.max(other.scale);
        Some((self.digits_at(scale)?, other.digits_at(scale)?, scale))
    }

    pub fn plus(self, other: Self) -> Option<Self> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Self { digits: left.checked_add(right)?, scale })
    }

    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(other.negated())
    }

    pub fn times(self, other: Self) -> Option<Self> {
        let (left, right) = match self.digits.checked_mul(other.digits) {
            Some(_) => (self, other),
            None => (self.trimmed(), other.trimmed()),
        };
        Self { digits: left.digits.checked_mul(right.digits)?, scale: 0 }
            .shifted(-i32::try_from(left.scale + right.scale).ok()?)
    }

    /// The quotient, exact when it ends within its scale, else rounded there; `None` for a division by zero.
    pub fn divided_by(self, other: Self) -> Option<Self> {
        if other.digits == 0 {
            return None;
        }
        let scale = QUOTIENT_SCALE.max(self.scale).max(other.scale);
        (0..=scale).rev().find_map(|scale| {
            let numerator = self.digits.checked_mul(power_of_ten(scale)?)?.checked_mul(power_of_ten(other.scale)?)?;
            let denominator = other.digits.checked_mul(power_of_ten(self.scale)?)?;
            Some(Self { digits: divide_rounding(numerator, denominator), scale }.trimmed())
        })
    }

    /// The whole quotient, towards zero.
    pub fn whole_quotient(self, other: Self) -> Option<Self> {
        let (left, right, _) = self.aligned(other)?;
        Some(Self { digits: left.checked_div(right)?, scale: 0 })
    }

    pub fn remainder(self, other: Self) -> Option<Self> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Self { digits: left.checked_rem(right)?, scale })
    }

    /// To so many digits behind the point, half away from zero; more digits are zeros.
    pub fn rounded(self, scale: u32) -> Option<Self> {
        if scale >= self.scale {
            return Some(Self { digits: self.digits_at(scale)?, scale });
        }
        Some(Self { digits: divide_rounding(self.digits, power_of_ten(self.scale - scale)?), scale })
    }

    /// The largest with so many digits behind the point that is not above.
    pub fn floor_at(self, scale: u32) -> Option<Self> {
        if scale >= self.scale {
            return Some(Self { digits: self.digits_at(scale)?, scale });
        }
        Some(Self { digits: self.digits.div_euclid(power_of_ten(self.scale - scale)?), scale })
    }

    /// The smallest with so many digits behind the point that is not below.
    pub fn ceiling_at(self, scale: u32) -> Option<Self> {
        Some(self.negated().floor_at(scale)?.negated())
    }

    /// Without what stands behind the point.
    pub fn truncated(self) -> Self {
        Self { digits: self.digits / power_of_ten(self.scale).unwrap_or(1), scale: 0 }
    }

    /// Its value when that is a whole number of 32 bits.
    pub fn to_integer(self) -> Option<i32> {
        let trimmed = self.trimmed();
        (trimmed.scale == 0).then(|| i32::try_from(trimmed.digits).ok())?
    }

    /// Without zeros at the end of its fraction.
    pub fn trimmed(mut self) -> Self {
        while self.scale > 0 && self.digits % 10 == 0 {
            self.digits /= 10;
            self.scale -= 1;
        }
        self
    }

    /// The nearest binary number, for the functions that are not rational.
    #[expect(clippy::cast_precision_loss, reason = "the loss is what the caller asks for")]
    pub fn to_f64(self) -> f64 {
        self.to_string().parse().unwrap_or(self.digits as f64)
    }

    /// `None` for what is no number or does not fit.
    pub fn from_f64(value: f64) -> Option<Self> {
        value.is_finite().then(|| Self::parse(&value.to_string()))?
    }

    /// To a whole power, exactly while it fits.
    pub fn power(self, exponent: i32) -> Option<Self> {
        let mut result = Self::ONE;
        for bit in (0..u32::BITS - exponent.unsigned_abs().leading_zeros()).rev() {
            result = result.times(result)?;
            if exponent.unsigned_abs() >> bit & 1 == 1 {
                result = result.times(self)?;
            }
        }
        if exponent < 0 { Self::ONE.divided_by(result) } else { Some(result) }
    }
}

fn power_of_ten(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

/// Half away from zero.
fn divide_rounding(numerator: i128, denominator: i128) -> i128 {
    let quotient = numerator / denominator;
    let rest = (numerator % denominator).unsigned_abs();
    if rest >= denominator.unsigned_abs() - rest {
        quotient + if (numerator < 0) == (denominator < 0) { 1 } else { -1 }
    } else {
        quotient
    }
}

impl From<i32> for Decimal {
    fn from(value: i32) -> Self {
        Self { digits: i128::from(value), scale: 0 }
    }
}

impl Ord for Decimal {
    /// By value. Whole parts first, then fractions at the largest scale, which always fit.
    fn cmp(&self, other: &Self) -> Ordering {
        let parts = |value: &Self| {
            let unit = power_of_ten(value.scale).unwrap_or(i128::MAX);
            let fraction = value.digits.rem_euclid(unit);
            (value.digits.div_euclid(unit), fraction * power_of_ten(SCALE_MAX - value.scale).unwrap_or(1))
        };
        parts(self).cmp(&parts(other))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        if self.scale == 0 {
            return write!(f, "{sign}{}", self.digits.unsigned_abs());
        }
        let unit = 10_u128.pow(self.scale);
        let (whole, fraction) = (self.digits.unsigned_abs() / unit, self.digits.unsigned_abs() % unit);
        write!(f, "{sign}{whole}.{fraction:0width$}", width = self.scale as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn digits_are_kept() {
        for (text, shown) in [
            ("1.50", "1.50"),
            ("-0.001", "-0.001"),
            ("1e3", "1000"),
            ("1.5e-3", "0.0015"),
            ("123456789012345678.123456789012345678", "123456789012345678.123456789012345678"),
            ("0.00000000000000000000000000001", "0.0000000000000000000000000000"),
        ] {
            assert_eq!(of(text).to_string(), shown);
        }
        for text in ["", ".5", "1.", "1.a", "--1", "1e", "1e99999999999", "9999999999999999999999999999999999999999"] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn arithmetic_is_exact() {
        let shown = |value: Option<Decimal>| value.unwrap().to_string();
        assert_eq!(shown(of("0.1").plus(of("0.2"))), "0.3");
        assert_eq!(shown(of("1.2").times(of("1.8"))), "2.16");
        assert_eq!(shown(of("1.2").divided_by(of("1.8"))), "0.6666666666666667");
        assert_eq!(shown(of("4.0").divided_by(of("2.0"))), "2");
        assert_eq!(shown(of("-2.2").remainder(of("1.8"))), "-0.4");
        assert_eq!(shown(of("2.2").whole_quotient(of("1.8"))), "1");
        assert_eq!(shown(of("2.5").power(2)), "6.25");
        assert_eq!(shown(of("2").power(-2)), "0.25");
        assert!(of("1").divided_by(of("0.0")).is_none());
        assert!(of("10").power(40).is_none());
        assert!(of("2").power(i32::MIN).is_none());
    }

    #[test]
    fn rounding_goes_where_it_is_told() {
        let shown = |value: Option<Decimal>| value.unwrap().to_string();
        assert_eq!(shown(of("2.5").rounded(0)), "3");
        assert_eq!(shown(of("-2.5").rounded(0)), "-3");
        assert_eq!(shown(of("-2.1").floor_at(0)), "-3");
        assert_eq!(shown(of("-1.1").ceiling_at(0)), "-1");
        assert_eq!(of("-1.56").truncated().to_string(), "-1");
    }

    #[test]
    fn order_is_by_value() {
        assert_eq!(of("1.10"), of("1.1"));
        assert!(of("-1.2") < of("-1.1"));
        assert!(of("12345678901234567890123456789012345678") > of("0.0000000000000000000000000001"));
    }
}
