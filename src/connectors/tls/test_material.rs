//! Certificates made at run time, for tests.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::Material;

/// A certificate authority of one test.
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// What it issued.
pub struct Issued {
    pub certificate: String,
    pub key: String,
    pub der: Vec<u8>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate for `localhost` and 127.0.0.1, for either side.
    pub fn issue(&self, common_name: &str) -> Issued {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.distinguished_name.push(DnType::OrganizationName, "General Hospital");
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().to_vec() }
    }

    /// The identity `common_name`, with this authority demanded of (or believed of) the other side.
    pub fn material(&self, common_name: &str) -> Material {
        let issued = self.issue(common_name);
        Material {
            certificate: Some(issued.certificate.into_bytes()),
            key: Some(issued.key.into_bytes()),
            authority: Some(self.pem.clone().into_bytes()),
        }
    }

    /// Only the authority: a client without a certificate.
    pub fn believed(&self) -> Material {
        Material { authority: Some(self.pem.clone().into_bytes()), ..Material::default() }
    }
}
