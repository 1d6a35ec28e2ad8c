//! Scores as Markdown: the section of `models/README.md`, and a model's card.

use std::fmt::Write;

use super::record::{ClassRecord, ProtocolName, Record};
use crate::network::Model;

/// Where the section begins in a page.
pub(super) const BEGIN: &str = "<!-- scores: written by `instanton score --update`, do not edit -->";
/// Where it ends.
pub(super) const END: &str = "<!-- scores: end -->";
/// The first line of a card that this program wrote.
pub(super) const CARD_MARK: &str = "<!-- written by `instanton score --update`, do not edit -->";

/// The means in the order of the papers' tables.
const MEANS: [&str; 7] = ["mAcc", "oAcc", "mIoU", "mCov", "mWCov", "mPrec", "mRec"];

type OfClass = fn(&ClassRecord) -> Option<f64>;

/// What is said of each class.
const OF_CLASS: [(&str, OfClass); 6] = [
    ("IoU", |class| class.iou),
    ("Acc", |class| class.accuracy),
    ("Cov", |class| class.coverage),
    ("WCov", |class| class.weighted_coverage),
    ("Prec", |class| class.precision),
    ("Rec", |class| class.recall),
];

fn percent(score: Option<f64>) -> String {
    score.map_or_else(|| "–".to_owned(), |score| format!("{:.1}", 100.0 * score))
}

/// A Markdown table whose columns line up, the first to the left and the others to the right.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.max().unwrap_or(0).max(3)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (column, width) in widths.iter().enumerate() {
            let cell = row.get(column).map_or("", String::as_str);
            let padded = if column == 0 { format!("{cell:width$}") } else { format!("{cell:>width$}") };
            text.push_str(&format!("| {padded} "));
        }
        text.push_str("|\n");
        if number == 0 {
            for (column, width) in widths.iter().enumerate() {
                let mark =
                    if column == 0 { ":".to_owned() + &"-".repeat(width - 1) } else { "-".repeat(width - 1) + ":" };
                text.push_str(&format!("| {mark} "));
            }
            text.push_str("|\n");
        }
    }
    text
}

fn protocols(records: &[Record]) -> Vec<ProtocolName> {
    let mut found: Vec<ProtocolName> = records.iter().map(|record| record.protocol).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn title(protocol: ProtocolName) -> &'static str {
    match protocol {
        ProtocolName::Reference => "Reference protocol",
        ProtocolName::Live => "Live protocol",
    }
}

/// Sizes, times and means of every model, a table per protocol.
pub(super) fn means(records: &[Record]) -> String {
    let mut text = String::new();
    for protocol in protocols(records) {
        let heading = ["model", "numbers", "parameters", "M MAC", "rewritten", "ms net", "ms block"];
        let mut rows = vec![heading.iter().chain(&MEANS).map(|&name| name.to_owned()).collect::<Vec<_>>()];
        for record in records.iter().filter(|record| record.protocol == protocol) {
            let mega = |count: u64| format!("{:.0}", count as f64 / 1e6);
            let mut row = vec![
                record.model.clone(),
                record.precision.to_string(),
                record.parameters.to_string(),
                mega(record.published_macs),
                mega(record.rewritten_macs),
                format!("{:.1}", record.network_milliseconds),
                format!("{:.1}", record.milliseconds),
            ];
            row.extend(MEANS.iter().map(|&name| percent(record.summary.get(name).copied().flatten())));
            rows.push(row);
        }
        text.push_str(&format!("{}, percent:\n\n{}\n", title(protocol), table(&rows)));
    }
    text
}

/// One score of every class, a row a model.
fn by_class(records: &[&Record], name: &str, score: OfClass) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut before: Vec<&str> = Vec::new();
    let mut text = String::new();
    for record in records {
        let names: Vec<&str> = record.classes.iter().map(|class| class.name.as_str()).collect();
        if names != before {
            // Models of other classes get a table of their own.
            if !rows.is_empty() {
                text.push_str(&format!("{}\n", table(&rows)));
                rows.clear();
            }
            rows.push(std::iter::once(format!("{name} %")).chain(names.iter().map(|&name| name.to_owned())).collect());
            before = names;
        }
        let cells = record.classes.iter().map(|class| percent(score(class)));
        rows.push(std::iter::once(record.model.clone()).chain(cells).collect());
    }
    text + &table(&rows)
}

/// The whole section of a page, without its marks.
pub(super) fn section(records: &[Record], rooms: &str) -> String {
    let mut text =
        format!("\nOn {rooms}. `–`: the score is undefined (a class that is never predicted, or not there).\n");
    text.push_str(
        "Times are processor time of one block on the machine that wrote this: the network alone, and all of it.\n\n",
    );
    text.push_str(&means(records));
    for protocol in protocols(records) {
        let own: Vec<&Record> = records.iter().filter(|record| record.protocol == protocol).collect();
        text.push_str(&format!("{} by class:\n\n", title(protocol)));
        for (name, score) in OF_CLASS {
            text.push_str(&format!("{}\n", by_class(&own, name, score)));
        }
    }
    text
}

/// A model's card.
pub(super) fn card(name: &str, model: &Model, records: &[&Record], rooms: &str) -> String {
    let manifest = model.manifest();
    let mut text = format!("{CARD_MARK}\n# {name}\n\n");
    let cost = model.architecture().cost();
    let bytes: usize = model.parts().map(|(_, bytes)| bytes.len()).sum();
    // Writing into a String cannot fail.
    let _ = writeln!(
        text,
        "`{}` in {}: {} classes, blocks of {} points, {} parameters, {:.0} million multiply-accumulates a block \
         ({:.0} as rewritten), {:.1} MB.\n\nWhat it is made of: `instanton inspect` on this folder.\n",
        manifest.architecture,
        manifest.precision,
        manifest.classes.len(),
        manifest.block.points,
        model.architecture().parameter_count(),
        cost.published as f64 / 1e6,
        cost.rewritten as f64 / 1e6,
        bytes as f64 / 1e6
    );
    let said = |key: &str| manifest.provenance.get(key).map(plain);
    for (key, heading) in [("data", "Data"), ("licence", "Licence"), ("limits", "Limits")] {
        let _ = writeln!(text, "**{heading}.** {}\n", said(key).unwrap_or_else(|| "Not stated.".to_owned()));
    }
    let rest = manifest.provenance.iter().filter(|(key, _)| !["data", "licence", "limits"].contains(&key.as_str()));
    let rest: Vec<String> = rest.map(|(key, value)| format!("- {key}: {}", plain(value))).collect();
    if !rest.is_empty() {
        let _ = writeln!(text, "## Where it comes from\n\n{}\n", rest.join("\n"));
    }
    let _ = writeln!(text, "## Scores\n\nOn {rooms}.\n");
    let owned: Vec<Record> = records.iter().map(|&record| record.clone()).collect();
    text.push_str(&means(&owned));
    for record in records {
        let mut rows = vec![vec!["class".to_owned()]];
        rows[0].extend(OF_CLASS.iter().map(|(name, _)| (*name).to_owned()));
        for class in &record.classes {
            let scores = OF_CLASS.iter().map(|(_, score)| percent(score(class)));
            rows.push(std::iter::once(class.name.clone()).chain(scores).collect());
        }
        let _ = writeln!(text, "{} by class, percent:\n\n{}", title(record.protocol), table(&rows));
    }
    let mut pictures: Vec<String> = std::fs::read_dir(model.folder())
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".png"))
        .collect();
    pictures.sort();
    if !pictures.is_empty() {
        text.push_str("## Pictures\n\n");
        pictures
            .iter()
            .for_each(|picture| text.push_str(&format!("![{}]({picture})\n", picture.trim_end_matches(".png"))));
    }
    text
}

/// A value of the provenance without TOML's quotes.
fn plain(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up() {
        let rows = [vec!["a".to_owned(), "mIoU".to_owned()], vec!["jsnet".to_owned(), "–".to_owned()]];
        assert_eq!(table(&rows), "| a     | mIoU |\n| :---- | ---: |\n| jsnet |    – |\n");
    }
}
