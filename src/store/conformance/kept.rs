//! Cases: exports, tokens and secrets.

use super::given::{Bench, at};
use crate::base::Digest;
use crate::record::{ExportJob, VersionNumber};

pub async fn exports_are_kept_until_they_are_dropped(bench: &Bench) {
    let job = ExportJob {
        id: "e1".into(),
        client: "app".into(),
        asked_at: at(1),
        as_of: VersionNumber(7),
        plan: "{\"types\":[\"Patient\"]}".to_owned(),
    };
    bench.store.keep_export(&job).await.unwrap();
    assert_eq!(bench.store.export("e1").await.unwrap(), Some(job.clone()));
    let changed = ExportJob { plan: "{}".to_owned(), ..job };
    bench.store.keep_export(&changed).await.unwrap();
    assert_eq!(bench.store.export("e1").await.unwrap(), Some(changed));
    assert_eq!(bench.store.export("e2").await.unwrap(), None);
    assert!(bench.store.drop_export("e1").await.unwrap());
    assert!(!bench.store.drop_export("e1").await.unwrap());
    assert_eq!(bench.store.export("e1").await.unwrap(), None);
}

pub async fn a_token_is_used_once(bench: &Bench) {
    let [one, two] = [Digest::of(b"one"), Digest::of(b"two")];
    let use_once = async |token: &Digest, now: i64| bench.store.use_once(token, at(now), at(now + 10)).await.unwrap();
    assert!(use_once(&one, 0).await);
    assert!(!use_once(&one, 1).await);
    assert!(use_once(&two, 1).await);
    assert!(!use_once(&one, 10).await, "it expires at 10 and not before");
    assert!(use_once(&one, 30).await, "what has expired is forgotten");
    let (first, second) = tokio::join!(use_once(&two, 40), use_once(&two, 40));
    assert!(first != second, "one of two at the same moment");
}

pub async fn a_secret_is_made_once(bench: &Bench) {
    assert_eq!(bench.store.secret("cursor", b"first").await.unwrap(), b"first");
    assert_eq!(bench.store.secret("cursor", b"second").await.unwrap(), b"first");
    assert_eq!(bench.store.secret("other", b"second").await.unwrap(), b"second");
}
