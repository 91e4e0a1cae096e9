//! Names and secrets that the endpoint makes up. Randomness comes in through here and nowhere else.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub(crate) struct Ids(StdRng);

impl Ids {
    /// Seeded by the system.
    pub(crate) fn new() -> Self {
        Ids(StdRng::from_seed(rand::random()))
    }

    /// The same names each time, for tests.
    #[cfg(test)]
    pub(crate) fn seeded(seed: u64) -> Self {
        Ids(StdRng::seed_from_u64(seed))
    }

    /// Makes a UUID of version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let mut bytes: [u8; 16] = self.0.random();
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let hex = hex::encode(bytes);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// `length` characters of an alphabet of ASCII characters.
    pub(crate) fn of(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| alphabet[self.0.random_range(0..alphabet.len())] as char).collect()
    }

    /// A number from 0 to 1, which is left out.
    pub(crate) fn fraction(&mut self) -> f64 {
        self.0.random()
    }

    /// A DSQL cluster's identifier: 26 characters of lower-case base32.
    pub(crate) fn cluster(&mut self) -> String {
        self.of(b"abcdefghijklmnopqrstuvwxyz234567", 26)
    }

    /// The tail CloudFormation gives to names it makes up.
    pub(crate) fn suffix(&mut self) -> String {
        self.of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 12)
    }

    /// 21 characters with a prefix that tells the kind (`AROA` role, `AIDA` user, `ANPA` policy).
    pub(crate) fn unique(&mut self, prefix: &str) -> String {
        format!("{prefix}{}", self.of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 17))
    }

    /// `AKIA…` for a user, `ASIA…` for temporary credentials: 20 characters.
    pub(crate) fn access_key(&mut self, prefix: &str) -> String {
        format!("{prefix}{}", self.of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16))
    }

    /// Makes a text of base64's characters.
    pub(crate) fn secret(&mut self, length: usize) -> String {
        self.of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", length)
    }
}

impl Default for Ids {
    fn default() -> Self {
        Ids::new()
    }
}
