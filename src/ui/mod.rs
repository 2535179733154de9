//! The model becomes cells on a screen. Pure drawing: reads the model, changes nothing, builds only rows that are seen.
//!
//! What must stay true: nothing panics at any size; the environment and the mode stand in text in every frame; every
//! colour comes with a glyph or a word.

mod canvas;
mod customer;
mod footer;
mod header;
mod look;
mod overlay;
mod pane;
mod state;

use ratatui::Frame;

use crate::app::Model;
use crate::app::layout;
use crate::config::theme::Role;
use crate::domain::Time;
use crate::present::pulse;

use canvas::Canvas;

/// Draws one frame.
pub fn draw(frame: &mut Frame<'_>, model: &Model, now: Time) {
    let ctx = model.ctx(now);
    let theme = &model.setup.theme;
    let mut canvas = Canvas::new(frame.buffer_mut(), theme);
    let plan = layout::plan(model);
    canvas.ground();
    if let Some(area) = plan.banner
        && let Some(problem) = model.banners.last()
    {
        canvas.line(area, 0, &header::banner(problem, model, area.w, &ctx));
    }
    if let Some(area) = plan.pulse {
        let line = match model.status.data() {
            Some(status) => pulse::line(&pulse::figures(status, &ctx), area.w, &ctx, theme),
            None => state::brief(&model.status.shown, &ctx, theme),
        };
        canvas.line(area, 0, &line);
    }
    let mut caret = None;
    if let Some(area) = plan.find {
        let (line, at) = footer::find(model, area.w);
        canvas.line(area, 0, &line);
        caret = at.map(|x| (area.x + x, area.y));
    }
    for placed in &plan.panes {
        pane::draw(&mut canvas, model, placed, &ctx);
    }
    if let Some(area) = plan.customer {
        customer::draw(&mut canvas, model, area, &ctx);
    }
    let (line, at) = footer::line(model, &plan, now);
    canvas.line(plan.footer, 0, &line);
    caret = at.map(|x| (plan.footer.x + x, plan.footer.y)).or(caret);
    if let Some(floating) = &model.overlay {
        caret = overlay::draw(&mut canvas, model, floating, &ctx);
    }
    // Last, so that nothing can cover where this is and whether it acts.
    canvas.fill(plan.header, Role::Header);
    canvas.line(plan.header, 0, &header::line(model, plan.header.w, now));
    if let Some((x, y)) = caret.filter(|(x, y)| *x < model.size.0 && *y < model.size.1) {
        frame.set_cursor_position((x, y));
    }
}
