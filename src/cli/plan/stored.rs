//! The releases of the configuration against new mapping files, over messages of the store.

use std::path::Path;

use crate::app;
use crate::cli::StoreArguments;
use crate::cli::output::Failure;
use crate::cli::setup;
use crate::engine::replay::{self, Selection};
use crate::mapping::compare::{Plan, Summary, compare};

/// Compares what the feeds' releases make of the selected messages with what they would make of `mappings` in their
/// place. The store is only read.
pub async fn plan(store: &StoreArguments, mappings: &Path, selection: &Selection) -> Result<(Summary, Plan), Failure> {
    let settings = setup::settings(store, &[])?;
    let mut changed = settings.clone();
    changed.mapping_directory = Some(mappings.to_owned());
    let reader = |settings| app::reader(settings).map_err(|error| setup::start_failure(&error));
    let (old, new) = (reader(&settings)?, reader(&changed)?);
    let store = setup::store_of(&settings).await?;
    let (mut summary, mut plan) = (Summary::default(), Plan::new(old.releases().digest(), new.releases().digest()));
    replay::each(store.as_ref(), selection, |message| {
        let difference = compare(old.map(message).as_ref(), new.map(message).as_ref());
        let name = message.id.to_string();
        summary.add(&name, &difference);
        plan.add(&name, &difference);
    })
    .await
    .map_err(Failure::unavailable)?;
    Ok((summary, plan))
}
