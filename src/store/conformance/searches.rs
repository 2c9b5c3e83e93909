//! Cases: searches over the index.

use super::given::{Bench, bears, deletion, key, patient, search, within, write};
use crate::record::{
    Committed, Counting, Criterion, KeyTest, KindQuery, Order, Range, Relation, ResourceText, Scan, SearchQuery, Space,
    TextPart,
};
use Criterion::{All, Any, Id, Not};
use TextPart::{Content, Narrative};

async fn put(bench: &Bench, kind: &str, id: &str, keys: &[(&str, &str)]) {
    let committed = bench.put(vec![write(kind, id, 0, keys)]).await;
    assert!(matches!(committed, Committed::Done(_)), "{committed:?}");
}

/// A family: two smiths and a jones.
async fn fill(bench: &Bench) {
    put(bench, "Patient", "ann", &[("name", "smith"), ("birthdate", "1970"), ("active", "yes")]).await;
    put(bench, "Patient", "bob", &[("name", "smith"), ("name", "smyth"), ("birthdate", "1990"), ("active", "no")])
        .await;
    put(bench, "Patient", "cat", &[("name", "jones"), ("birthdate", "1980"), ("active", "yes")]).await;
    put(bench, "Practitioner", "ann", &[("name", "smith")]).await;
}

async fn check(bench: &Bench, criterion: Criterion, expected: &[&str]) {
    let mut query = search("Patient", criterion);
    query.count = Counting::Exactly;
    let ids = |all: Vec<String>| all.iter().map(|one| one.replace("Patient/", "")).collect::<Vec<_>>();
    assert_eq!(ids(bench.find(&query).await), expected, "{:?}", query.kinds[0].criterion);
    query.limit = 0;
    let page = bench.store.search(&query).await.unwrap();
    assert_eq!((page.total, page.matches.len()), (Some(expected.len() as u64), 0), "{:?}", query.kinds[0].criterion);
}

fn name(value: &str) -> Criterion {
    bears("Patient", "name", value)
}

fn born(from: &str, to: &str) -> Criterion {
    within("Patient", "birthdate", from, to)
}

fn not(criterion: Criterion) -> Criterion {
    Not(Box::new(criterion))
}

pub async fn keys_are_found_exactly_and_in_ranges(bench: &Bench) {
    fill(bench).await;
    check(bench, name("smith"), &["ann", "bob"]).await;
    check(bench, name("smit"), &[]).await;
    check(bench, within("Patient", "name", "sm", "sn"), &["ann", "bob"]).await;
    check(bench, within("Patient", "name", "", "~"), &["ann", "bob", "cat"]).await;
    check(bench, born("1970", "1980"), &["ann"]).await;
    check(bench, born("1970", "19800"), &["ann", "cat"]).await;
    check(bench, born("2000", "1900"), &[]).await;
    check(bench, Id(vec!["cat".into(), "ann".into(), "nobody".into()]), &["ann", "cat"]).await;
    check(bench, Id(vec![]), &[]).await;
    check(bench, Criterion::Bears(vec![]), &[]).await;
}

pub async fn keys_are_tested_byte_by_byte(bench: &Bench) {
    fill(bench).await;
    let tested = async |at: usize, length: Option<usize>, relation: Relation, value: &str, expected: &[&str]| {
        let range = Range::Within { from: key("Patient", "birthdate", ""), to: key("Patient", "birthdate", "~") };
        let test = KeyTest { at: 8 + at, length, relation, value: value.as_bytes().to_vec() };
        let scan = Criterion::Bears(vec![Scan { range, tests: vec![test] }]);
        check(bench, scan.clone(), expected).await;
        // The same as a test of rows that another criterion finds.
        check(bench, All(vec![Id(vec!["ann".into(), "bob".into(), "cat".into()]), scan]), expected).await;
    };
    tested(2, Some(2), Relation::Below, "80", &["ann"]).await;
    tested(2, None, Relation::AtMost, "80", &["ann", "cat"]).await;
    tested(0, Some(4), Relation::Equal, "1990", &["bob"]).await;
    tested(2, None, Relation::AtLeast, "80", &["bob", "cat"]).await;
    tested(2, Some(1), Relation::Above, "7", &["bob", "cat"]).await;
    tested(0, None, Relation::Contains, "98", &["cat"]).await;
    tested(0, Some(2), Relation::Contains, "9", &["ann", "bob", "cat"]).await;
    tested(9, None, Relation::Equal, "", &["ann", "bob", "cat"]).await;
    let exactly = Scan { range: Range::Exactly(key("Patient", "name", "smith")), tests: vec![] };
    let test = KeyTest { at: 8, length: None, relation: Relation::Contains, value: b"x".to_vec() };
    check(bench, Criterion::Bears(vec![Scan { tests: vec![test], ..exactly }]), &[]).await;
}

pub async fn criteria_combine(bench: &Bench) {
    fill(bench).await;
    check(bench, All(vec![]), &["ann", "bob", "cat"]).await;
    check(bench, Any(vec![]), &[]).await;
    check(bench, not(All(vec![])), &[]).await;
    check(bench, not(Any(vec![])), &["ann", "bob", "cat"]).await;
    check(bench, All(vec![name("smith"), born("1980", "2000")]), &["bob"]).await;
    check(bench, All(vec![name("smith"), name("smyth")]), &["bob"]).await;
    check(bench, Any(vec![name("jones"), born("1970", "1971"), name("smyth")]), &["ann", "bob", "cat"]).await;
    check(bench, not(name("smith")), &["cat"]).await;
    check(bench, All(vec![not(name("smyth")), not(born("1980", "1981"))]), &["ann"]).await;
    check(bench, All(vec![Id(vec!["bob".into(), "cat".into()]), name("smith")]), &["bob"]).await;
    check(bench, not(Id(vec!["bob".into()])), &["ann", "cat"]).await;
    check(bench, not(Id(vec![])), &["ann", "bob", "cat"]).await;
    check(bench, All(vec![All(vec![name("smith")]), Any(vec![born("1990", "1991"), name("jones")])]), &["bob"]).await;
    let (Criterion::Bears(mut one), Criterion::Bears(other)) = (name("jones"), name("smyth")) else { return };
    one.extend(other);
    check(bench, Criterion::Bears(one), &["bob", "cat"]).await;
}

pub async fn deleted_resources_are_not_found(bench: &Bench) {
    fill(bench).await;
    bench.put(vec![deletion("Patient", "ann", 1)]).await;
    bench.put(vec![write("Patient", "bob", 1, &[("name", "brown")])]).await;
    check(bench, name("smith"), &[]).await;
    check(bench, All(vec![]), &["bob", "cat"]).await;
    check(bench, not(name("brown")), &["cat"]).await;
    check(bench, Id(vec!["ann".into(), "bob".into()]), &["bob"]).await;
    let to_ann = |kind| Criterion::RefersTo { space: Space::of("Task", "for"), kind, criterion: Box::new(All(vec![])) };
    let mut task = write("Task", "t", 0, &[]);
    task.index.push(crate::record::index::reference_key(Space::of("Task", "for"), &patient("ann")));
    task.index.sort_unstable();
    bench.put(vec![task]).await;
    assert!(bench.find(&search("Task", to_ann("Patient".into()))).await.is_empty(), "no chain leads through it");
}

/// All pages of a search, a few matches each.
async fn pages(bench: &Bench, query: &SearchQuery, limit: u32) -> Vec<String> {
    let mut query = SearchQuery { limit, ..query.clone() };
    let mut found = Vec::new();
    loop {
        let page = bench.store.search(&query).await.unwrap();
        assert!(page.matches.len() <= limit as usize);
        found.extend(page.matches.iter().map(|one| one.key.id.to_string()));
        query.after = page.matches.last().map(|one| one.number);
        if !page.more {
            return found;
        }
        assert_eq!(page.matches.len(), limit as usize, "a page that has others behind it is full");
    }
}

pub async fn pages_follow_the_order_of_creation(bench: &Bench) {
    for id in ["c", "a", "e", "b", "d"] {
        put(bench, "Patient", id, &[("active", "yes"), ("name", id)]).await;
    }
    bench.put(vec![write("Patient", "a", 1, &[("active", "yes"), ("name", "z")])]).await;
    let criteria = [
        All(vec![]),
        bears("Patient", "active", "yes"),
        within("Patient", "name", "", "~"),
        not(name("x")),
        Id(["a", "b", "c", "d", "e"].map(Into::into).into()),
        Any(vec![bears("Patient", "active", "yes"), name("z")]),
    ];
    for criterion in criteria {
        for limit in [1, 2, 5, 9] {
            let found = pages(bench, &search("Patient", criterion.clone()), limit).await;
            assert_eq!(found, ["c", "a", "e", "b", "d"], "{criterion:?} by {limit}");
        }
    }
}

pub async fn pages_are_stable_under_writes(bench: &Bench) {
    for (id, rank) in [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")] {
        put(bench, "Patient", id, &[("rank", rank)]).await;
    }
    let order = vec![Order { space: Space::of("Patient", "rank"), descending: false }];
    for order in [vec![], order] {
        let mut query = search("Patient", All(vec![]));
        query.kinds[0].order = order;
        query.limit = 2;
        let first = bench.store.search(&query).await.unwrap();
        query.after = first.matches.last().map(|one| one.number);
        assert_eq!(bench.find(&query).await, ["Patient/c", "Patient/d"]);
    }
    let mut query = search("Patient", All(vec![]));
    query.kinds[0].order = vec![Order { space: Space::of("Patient", "rank"), descending: false }];
    query.limit = 2;
    let first = bench.store.search(&query).await.unwrap();
    query.after = first.matches.last().map(|one| one.number);
    bench.put(vec![write("Patient", "b", 1, &[("rank", "9")])]).await;
    put(bench, "Patient", "new", &[("rank", "0")]).await;
    assert_eq!(bench.find(&query).await, ["Patient/c", "Patient/d"], "behind where b stood");
}

pub async fn several_types_follow_each_other(bench: &Bench) {
    fill(bench).await;
    put(bench, "Practitioner", "zoe", &[("name", "smith")]).await;
    put(bench, "Patient", "dan", &[("name", "smith")]).await;
    let one = |kind: &str| KindQuery { kind: kind.into(), criterion: bears(kind, "name", "smith"), order: vec![] };
    let kinds = ["Practitioner", "Observation", "Patient"].map(one).into();
    let query = SearchQuery { kinds, after: None, limit: 100, count: Counting::Exactly };
    let expected = ["Practitioner/ann", "Practitioner/zoe", "Patient/ann", "Patient/bob", "Patient/dan"];
    assert_eq!(bench.find(&query).await, expected);
    assert_eq!(bench.store.search(&SearchQuery { limit: 1, ..query.clone() }).await.unwrap().total, Some(5));
    for limit in 1..6 {
        assert_eq!(pages(bench, &query, limit).await, ["ann", "zoe", "ann", "bob", "dan"], "by {limit}");
    }
}

pub async fn matches_are_counted(bench: &Bench) {
    fill(bench).await;
    let check = async |limit: u32, count: Counting, expected: Option<u64>| {
        let query = SearchQuery { limit, count, ..search("Patient", All(vec![])) };
        assert_eq!(bench.store.search(&query).await.unwrap().total, expected, "{limit} {count:?}");
    };
    check(3, Counting::WhenKnown, Some(3)).await;
    check(2, Counting::WhenKnown, None).await;
    check(2, Counting::Exactly, Some(3)).await;
    check(0, Counting::Exactly, Some(3)).await;
    check(0, Counting::WhenKnown, Some(3)).await;
    let mut second = SearchQuery { limit: 2, ..search("Patient", All(vec![])) };
    second.after = bench.store.search(&second).await.unwrap().matches.last().map(|one| one.number);
    assert_eq!(bench.store.search(&second).await.unwrap().total, None);
    second.count = Counting::Exactly;
    assert_eq!(bench.store.search(&second).await.unwrap().total, Some(3));
}

/// A search of patients in an order of parameters; a minus before one turns it.
fn sorted(criterion: Criterion, orders: &[&str]) -> SearchQuery {
    let mut query = search("Patient", criterion);
    let order = |text: &&str| {
        let parameter = text.trim_start_matches('-');
        Order { space: Space::of("Patient", parameter), descending: text.starts_with('-') }
    };
    query.kinds[0].order = orders.iter().map(order).collect();
    query
}

/// The order holds however large the pages are, and whether the index is walked or the matches are sorted.
async fn in_order(bench: &Bench, orders: &[&str], expected: &[&str]) {
    for criterion in [All(vec![]), bears("Patient", "active", "yes"), not(name("nobody"))] {
        for limit in 1..=expected.len() + 1 {
            let query = sorted(criterion.clone(), orders);
            let found = pages(bench, &query, u32::try_from(limit).unwrap()).await;
            assert_eq!(found, expected, "{orders:?} {criterion:?} by {limit}");
        }
    }
}

async fn fill_sortable(bench: &Bench) {
    for (id, keys) in [
        ("none1", &[][..]),
        ("b", &[("name", "b"), ("city", "x")]),
        ("many", &[("name", "a"), ("name", "z"), ("city", "y")]),
        ("a2", &[("name", "a"), ("city", "x")]),
        ("a1", &[("name", "a")]),
        ("none2", &[("city", "z")]),
    ] {
        let mut keys = keys.to_vec();
        keys.push(("active", "yes"));
        put(bench, "Patient", id, &keys).await;
    }
}

pub async fn results_are_ordered_by_their_keys(bench: &Bench) {
    fill_sortable(bench).await;
    in_order(bench, &["name"], &["many", "a2", "a1", "b", "none1", "none2"]).await;
    in_order(bench, &["-name"], &["many", "b", "a1", "a2", "none2", "none1"]).await;
    in_order(bench, &["unknown"], &["none1", "b", "many", "a2", "a1", "none2"]).await;
}

pub async fn several_orders_decide_in_turn(bench: &Bench) {
    fill_sortable(bench).await;
    in_order(bench, &["name", "city"], &["a2", "many", "a1", "b", "none2", "none1"]).await;
    in_order(bench, &["name", "-city"], &["many", "a2", "a1", "b", "none2", "none1"]).await;
    in_order(bench, &["-city", "name"], &["none2", "many", "a2", "b", "a1", "none1"]).await;
}

pub async fn an_order_spans_types(bench: &Bench) {
    put(bench, "Patient", "p1", &[("name", "b")]).await;
    put(bench, "Practitioner", "d1", &[("name", "a")]).await;
    put(bench, "Patient", "p2", &[]).await;
    put(bench, "Practitioner", "d2", &[("name", "c")]).await;
    let one = |kind: &str| {
        let order = vec![Order { space: Space::of(kind, "name"), descending: false }];
        KindQuery { kind: kind.into(), criterion: All(vec![]), order }
    };
    let kinds = ["Patient", "Practitioner"].map(one).into();
    let query = SearchQuery { kinds, after: None, limit: 100, count: Counting::WhenKnown };
    for limit in 1..6 {
        assert_eq!(pages(bench, &query, limit).await, ["d1", "p1", "d2", "p2"], "by {limit}");
    }
}

/// A resource that refers to others by a parameter.
async fn refer(bench: &Bench, kind: &str, id: &str, parameter: &str, to: &[(&str, &str)], keys: &[(&str, &str)]) {
    let mut write = write(kind, id, 0, keys);
    for (kind_to, id_to) in to {
        let target = crate::record::ResourceKey::new(*kind_to, *id_to);
        write.index.push(crate::record::index::reference_key(Space::of(kind, parameter), &target));
    }
    write.index.sort_unstable();
    assert!(matches!(bench.put(vec![write]).await, Committed::Done(_)));
}

async fn fill_references(bench: &Bench) {
    fill(bench).await;
    refer(bench, "Observation", "o1", "subject", &[("Patient", "ann")], &[("code", "bp")]).await;
    refer(bench, "Observation", "o2", "subject", &[("Patient", "bob")], &[("code", "bp")]).await;
    refer(bench, "Observation", "o3", "subject", &[("Patient", "bob"), ("Patient", "cat")], &[("code", "hr")]).await;
    refer(bench, "Observation", "o4", "subject", &[("Practitioner", "ann")], &[("code", "bp")]).await;
    refer(bench, "Report", "r1", "result", &[("Observation", "o1"), ("Observation", "o3")], &[]).await;
}

fn subject(kind: &str, criterion: Criterion) -> Criterion {
    let space = Space::of("Observation", "subject");
    Criterion::RefersTo { space, kind: kind.into(), criterion: Box::new(criterion) }
}

fn observed(criterion: Criterion) -> Criterion {
    let space = Space::of("Observation", "subject");
    Criterion::ReferredBy { space, kind: "Observation".into(), criterion: Box::new(criterion) }
}

fn code(value: &str) -> Criterion {
    bears("Observation", "code", value)
}

async fn found(bench: &Bench, kind: &str, criterion: Criterion) -> Vec<String> {
    bench.find(&search(kind, criterion)).await.iter().map(|one| one.replace(&format!("{kind}/"), "")).collect()
}

pub async fn chains_are_followed(bench: &Bench) {
    fill_references(bench).await;
    let observations = async |criterion: Criterion| found(bench, "Observation", criterion).await;
    assert_eq!(observations(subject("Patient", name("smith"))).await, ["o1", "o2", "o3"]);
    assert_eq!(observations(subject("Patient", Id(vec!["ann".into()]))).await, ["o1"]);
    assert_eq!(observations(subject("Practitioner", bears("Practitioner", "name", "smith"))).await, ["o4"]);
    assert_eq!(observations(subject("Patient", All(vec![]))).await, ["o1", "o2", "o3"]);
    assert_eq!(observations(subject("Patient", not(name("smith")))).await, ["o3"]);
    assert_eq!(observations(subject("Patient", name("nobody"))).await, <[&str; 0]>::default());
    let space = Space::of("Report", "result");
    let result = |criterion| Criterion::RefersTo { space, kind: "Observation".into(), criterion: Box::new(criterion) };
    assert_eq!(found(bench, "Report", result(subject("Patient", name("jones")))).await, ["r1"]);
    assert!(found(bench, "Report", result(subject("Practitioner", All(vec![])))).await.is_empty());
}

pub async fn reverse_chains_are_followed(bench: &Bench) {
    fill_references(bench).await;
    let patients = async |criterion: Criterion| found(bench, "Patient", criterion).await;
    assert_eq!(patients(observed(code("bp"))).await, ["ann", "bob"]);
    assert_eq!(patients(observed(code("hr"))).await, ["bob", "cat"]);
    assert_eq!(patients(observed(All(vec![]))).await, ["ann", "bob", "cat"]);
    assert_eq!(patients(observed(not(code("bp")))).await, ["bob", "cat"]);
    assert!(patients(observed(code("none"))).await.is_empty());
    assert_eq!(found(bench, "Practitioner", observed(code("bp"))).await, ["ann"]);
    let space = Space::of("Report", "result");
    let reported = Criterion::ReferredBy { space, kind: "Report".into(), criterion: Box::new(All(vec![])) };
    assert_eq!(patients(observed(reported)).await, ["ann", "bob", "cat"]);
    bench.put(vec![deletion("Patient", "bob", 1), deletion("Observation", "o1", 1)]).await;
    assert_eq!(patients(observed(All(vec![]))).await, ["cat"]);
}

pub async fn chains_combine_with_other_criteria(bench: &Bench) {
    fill_references(bench).await;
    let observations = async |criterion: Criterion| found(bench, "Observation", criterion).await;
    let patients = async |criterion: Criterion| found(bench, "Patient", criterion).await;
    assert_eq!(observations(All(vec![code("bp"), subject("Patient", name("smyth"))])).await, ["o2"]);
    assert_eq!(
        observations(All(vec![code("hr"), not(subject("Patient", name("jones")))])).await,
        <[&str; 0]>::default()
    );
    assert_eq!(observations(not(subject("Patient", All(vec![])))).await, ["o4"]);
    assert_eq!(patients(All(vec![name("smith"), observed(code("hr"))])).await, ["bob"]);
    assert_eq!(patients(All(vec![name("smith"), not(observed(code("hr")))])).await, ["ann"]);
    assert_eq!(patients(Any(vec![observed(code("hr")), born("1970", "1971")])).await, ["ann", "bob", "cat"]);
    let narrow = All(vec![Id(vec!["ann".into(), "cat".into()]), observed(All(vec![code("hr")]))]);
    assert_eq!(patients(narrow).await, ["cat"]);
}

pub async fn words_are_found(bench: &Bench) {
    let text =
        |narrative: &str, content: &str| ResourceText { narrative: narrative.to_owned(), content: content.to_owned() };
    let with = |id: &str, text: ResourceText| crate::record::ResourceWrite {
        text,
        ..write("Patient", id, 0, &[("active", "yes")])
    };
    bench.put(vec![with("a", text("Fever since Monday", "smith boston"))]).await;
    bench.put(vec![with("b", text("no fever", "Jones \"Boston\" it's"))]).await;
    bench.put(vec![with("c", text("", "fever"))]).await;
    let other = crate::record::ResourceWrite { text: text("fever", "fever"), ..write("Practitioner", "d", 0, &[]) };
    bench.put(vec![other]).await;
    let words =
        |part, words: &[&str]| Criterion::Text { part, words: words.iter().map(|word| (*word).into()).collect() };
    check(bench, words(Narrative, &["fever"]), &["a", "b"]).await;
    check(bench, words(Narrative, &["fever", "monday"]), &["a"]).await;
    check(bench, words(Content, &["BOSTON"]), &["a", "b"]).await;
    check(bench, words(Content, &["fever"]), &["c"]).await;
    check(bench, words(Content, &["it's", "\"jones\""]), &["b"]).await;
    check(bench, words(Content, &["bost"]), &[]).await;
    check(bench, words(Content, &["AND", "OR"]), &[]).await;
    check(bench, words(Content, &[]), &[]).await;
    check(bench, All(vec![Id(vec!["b".into(), "c".into()]), words(Narrative, &["fever"])]), &["b"]).await;
    check(bench, not(words(Narrative, &["fever"])), &["c"]).await;
    bench.put(vec![crate::record::ResourceWrite { text: text("well", ""), ..write("Patient", "a", 1, &[]) }]).await;
    bench.put(vec![deletion("Patient", "b", 1)]).await;
    check(bench, words(Narrative, &["fever"]), &[]).await;
    check(bench, words(Narrative, &["well"]), &["a"]).await;
    check(bench, words(Content, &["smith"]), &[]).await;
}

/// More than are counted or sorted in memory: another plan, the same answer.
pub async fn many_matches_are_found_as_few_are(bench: &Bench) {
    const MANY: usize = 12_000;
    for chunk in (0..MANY).collect::<Vec<_>>().chunks(500) {
        let one = |number: &usize| {
            let (rank, last) = (format!("{:05}", MANY - number), format!("{}", number % 10));
            write("Patient", &format!("p{number:05}"), 0, &[("rank", &*rank), ("last", &*last), ("active", "yes")])
        };
        let committed = bench.put(chunk.iter().map(one).collect()).await;
        assert!(matches!(committed, Committed::Done(_)));
    }
    let ids = |numbers: &[usize]| numbers.iter().map(|number| format!("Patient/p{number:05}")).collect::<Vec<_>>();
    let check = async |criterion: Criterion, orders: &[&str], total: u64, first: &[usize]| {
        let query = SearchQuery { limit: 3, count: Counting::Exactly, ..sorted(criterion.clone(), orders) };
        assert_eq!(bench.find(&query).await, ids(first), "{criterion:?} {orders:?}");
        assert_eq!(bench.store.search(&query).await.unwrap().total, Some(total), "{criterion:?}");
    };
    let last = |value: &str| bears("Patient", "last", value);
    let ranks = |from: &str| within("Patient", "rank", from, "~");
    let yes = || bears("Patient", "active", "yes");
    check(ranks("00000"), &[], 12_000, &[0, 1, 2]).await;
    check(All(vec![ranks("00000"), yes()]), &[], 12_000, &[0, 1, 2]).await;
    check(All(vec![ranks("00000"), last("7")]), &[], 1_200, &[7, 17, 27]).await;
    check(Any(vec![ranks("00000"), yes()]), &[], 12_000, &[0, 1, 2]).await;
    check(All(vec![not(last("0")), ranks("00000")]), &[], 10_800, &[1, 2, 3]).await;
    check(yes(), &["rank"], 12_000, &[11_999, 11_998, 11_997]).await;
    check(yes(), &["-rank"], 12_000, &[0, 1, 2]).await;
    check(yes(), &["last", "rank"], 12_000, &[11_990, 11_980, 11_970]).await;
    check(All(vec![yes(), ranks("00000"), last("3")]), &["-rank"], 1_200, &[3, 13, 23]).await;
    let deep = sorted(All(vec![]), &["rank"]);
    let mut query = SearchQuery { limit: 700, ..deep };
    let mut count = 0;
    loop {
        let page = bench.store.search(&query).await.unwrap();
        let expected: Vec<usize> = (0..page.matches.len()).map(|place| MANY - 1 - count - place).collect();
        assert_eq!(page.matches.iter().map(|one| one.key.to_string()).collect::<Vec<_>>(), ids(&expected));
        count += page.matches.len();
        query.after = page.matches.last().map(|one| one.number);
        if !page.more {
            break;
        }
    }
    assert_eq!(count, MANY);
}

pub async fn an_index_is_made_anew(bench: &Bench) {
    fill(bench).await;
    assert_eq!(bench.store.indexed_by().await.unwrap(), None);
    let current = bench.store.current_after(None, 10).await.unwrap();
    let of = |id: &str| current.iter().find(|one| one.key == patient(id)).expect("it is there").number;
    let keys = |name: &str| {
        let mut keys = vec![key("Patient", "name", name), key("Patient", "_lastUpdated", "now")];
        keys.sort_unstable();
        keys
    };
    let text = || ResourceText { narrative: "again".to_owned(), content: String::new() };
    bench.put(vec![write("Patient", "bob", 1, &[("name", "moved")])]).await;
    let anew = [(of("ann"), keys("brown"), text()), (of("bob"), keys("brown"), text())];
    bench.store.reindex(&anew).await.unwrap();
    check(bench, name("brown"), &["ann"]).await;
    check(bench, name("smith"), &[]).await;
    check(bench, name("moved"), &["bob"]).await;
    check(bench, Criterion::Text { part: Narrative, words: vec!["again".into()] }, &["ann"]).await;
    check(bench, All(vec![Id(vec!["ann".into()]), within("Patient", "name", "b", "c")]), &["ann"]).await;
    bench.put(vec![write("Patient", "ann", 1, &[("name", "green")])]).await;
    check(bench, name("brown"), &[]).await;
    let definitions = crate::base::Digest::of(b"definitions");
    bench.store.set_indexed_by(definitions).await.unwrap();
    bench.store.set_indexed_by(definitions).await.unwrap();
    assert_eq!(bench.store.indexed_by().await.unwrap(), Some(definitions));
}
