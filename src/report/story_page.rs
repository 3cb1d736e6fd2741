//! The story of a site with its pictures -> a page of HTML that needs nothing else.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, Result};
use crate::explain::{Drawing, Story};
use crate::pileup::png;

struct Shown {
    title: String,
    note: String,
    data: String,
}

#[derive(Template)]
#[template(path = "story.html")]
struct Page<'a> {
    title: String,
    outcome: &'a str,
    text: String,
    pictures: Vec<Shown>,
    version: &'static str,
}

/// The page's content.
///
/// # Errors
/// [`Error::Internal`] where it cannot be made.
pub fn page(story: &Story, drawings: &[Drawing]) -> Result<Vec<u8>> {
    let shown = |drawing: &Drawing| {
        let data = STANDARD.encode(png::encoded(&drawing.picture)?);
        Ok(Shown { title: drawing.title.clone(), note: drawing.note.clone(), data })
    };
    let page = Page {
        title: format!("{}:{}", story.chrom, story.pos),
        outcome: &story.outcome,
        text: story.to_string(),
        pictures: drawings.iter().map(shown).collect::<Result<_>>()?,
        version: env!("CARGO_PKG_VERSION"),
    };
    page.render().map(String::into_bytes).map_err(|e| Error::Internal(format!("page: {e}")))
}
