//! Whatever a provider does wrong: a clear problem, the right cause, and never a secret.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use trueup::domain::{System, Time};
use trueup::sources::budget::Limits;
use trueup::sources::{Cause, SourceError};

use crate::fakes::{Answer, Fake, Held};
use crate::{CANARY, key, source, with};

const NOW: i64 = 1_760_000_000_000;
/// Every provider that is asked.
const SYSTEMS: [System; 10] = [
    System::Stripe,
    System::Paddle,
    System::Hubspot,
    System::Pipedrive,
    System::Gohighlevel,
    System::Intercom,
    System::Zendesk,
    System::Vercel,
    System::Netlify,
    System::Cloudflare,
];
/// Those whose lists name the address where they go on. Pipedrive names only a cursor; what the hosts do in place of
/// it, `hosting.rs` tells.
const LISTED: [System; 6] =
    [System::Stripe, System::Paddle, System::Hubspot, System::Gohighlevel, System::Intercom, System::Zendesk];

fn now() -> Time {
    Time::from_ms(NOW)
}

/// Collects until something goes wrong.
async fn fails(system: System, base: &str) -> SourceError {
    let error = Held::default().round(&*source(system, base), now()).await.unwrap_err();
    secretless(&error);
    error
}

/// No form of any credential that is in use here stands in the error.
fn secretless(error: &SourceError) {
    let text = format!("{error:?} {}", error.problem);
    // base64 of "ops@acme.example/token:pat-canary9f3a7b21", without its ends
    for form in [CANARY, "b3BzQGFjbWUuZXhhbXBsZS90b2tlbjpwYXQtY2FuYXJ5"] {
        assert!(!text.contains(form), "a secret in: {text}");
    }
    assert!(!text.contains("limit=") && !text.contains("page%5B"), "a query string in: {text}");
}

#[tokio::test]
async fn every_status_has_its_cause_and_says_what_to_do() {
    for (status, cause, words) in [
        (301, Cause::Settings, "redirects are never followed"),
        (400, Cause::Settings, "does not accept"),
        (401, Cause::Refused, "make a new key at"),
        (403, Cause::Refused, "missing permission"),
        (404, Cause::Settings, "check base_url"),
        (409, Cause::Unavailable, "tries again"),
        (429, Cause::RateLimited, "waits"),
        (500, Cause::Unavailable, "tries again"),
        (502, Cause::Unavailable, "tries again"),
        (503, Cause::Unavailable, "tries again"),
    ] {
        for system in SYSTEMS {
            let fake = Fake::start(move |_| {
                Answer::new(status, r#"{"message":"what it says"}"#)
                    .with("request-id", "req_77")
                    .with("location", "https://evil.example/x?key=1")
            })
            .await;
            let error = fails(system, &fake.base).await;
            assert_eq!(error.cause, cause, "{system} {status}");
            let text = error.problem.to_string();
            let verb = if system == System::Intercom { "POST /" } else { "GET /" };
            for part in [&status.to_string(), words, verb, system.title(), "req_77", "what it says"] {
                assert!(text.contains(part), "{system} {status} lacks `{part}`: {text}");
            }
        }
    }
}

#[tokio::test]
async fn every_form_of_retry_after_reaches_the_engine() {
    let date = "Thu, 09 Oct 2025 08:53:20 GMT";
    for (status, name, value, expected) in [
        (429, "retry-after", "7".to_owned(), Some(7000)),
        (503, "retry-after", "2".to_owned(), Some(2000)),
        (429, "retry-after-ms", "300".to_owned(), Some(300)),
        (429, "retry-after", "Thu, 09 Oct 2025 08:53:50 GMT".to_owned(), Some(30_000)),
        (429, "x-ratelimit-reset", "11".to_owned(), Some(11_000)),
        (429, "x-ratelimit-reset", "1760000010".to_owned(), Some(10_000)),
        (429, "ratelimit-reset", "4".to_owned(), Some(4000)),
        (503, "x-ratelimit-reset", "11".to_owned(), None),
        (429, "x-ratelimit-interval-milliseconds", "10000".to_owned(), Some(10_000)),
        (429, "x-ratelimit-daily-remaining", "0".to_owned(), Some(3_600_000)),
        (429, "x-ratelimit-daily-remaining", "5".to_owned(), None),
        (429, "retry-after", "whenever".to_owned(), None),
    ] {
        let header = value.clone();
        let fake = Fake::start(move |_| Answer::new(status, "{}").with("date", date).with(name, &header)).await;
        let error = fails(System::Stripe, &fake.base).await;
        assert_eq!(error.retry_after_ms, expected, "{status} {name}: {value}");
    }
    let fake = Fake::start(|_| Answer::new(429, r#"{"policyName":"TEN_SECONDLY_ROLLING"}"#)).await;
    assert_eq!(fails(System::Hubspot, &fake.base).await.retry_after_ms, Some(10_000));
}

#[tokio::test]
async fn while_told_to_wait_no_further_call_leaves() {
    let fake = Fake::start(|_| Answer::new(429, "{}").with("retry-after", 60)).await;
    let source = source(System::Stripe, &fake.base);
    for _ in 0..5 {
        let error = source.collect(None, now()).await.unwrap_err();
        assert_eq!(error.cause, Cause::RateLimited);
        assert!(error.retry_after_ms.unwrap() > 58_000);
    }
    assert_eq!(fake.calls().len(), 1);
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_left_alone_and_everybody_is_told_why() {
    for (status, cause) in [(500, Cause::Unavailable), (401, Cause::Refused)] {
        let fake = Fake::start(move |_| Answer::new(status, "{}")).await;
        let source = source(System::Stripe, &fake.base);
        for nth in 1..=9 {
            let error = source.collect(None, now()).await.unwrap_err();
            let text = error.problem.line().to_string();
            assert_eq!(error.cause, cause);
            assert!(text.contains(&status.to_string()), "{text}");
            assert_eq!(text.contains("paused after 5 failures"), nth >= 5, "{nth}: {text}");
            assert_eq!(error.retry_after_ms.is_some_and(|ms| (10_000..=15_000).contains(&ms)), nth >= 5);
        }
        assert!(source.probe(now()).await.is_err(), "a person too");
        assert_eq!(fake.calls().len(), 5, "{status}");
    }
}

#[tokio::test]
async fn being_told_no_or_to_wait_is_an_answer_and_breaks_nothing() {
    for status in [403, 404, 400] {
        let fake = Fake::start(move |_| Answer::new(status, "{}")).await;
        let source = source(System::Stripe, &fake.base);
        for _ in 0..8 {
            let error = source.collect(None, now()).await.unwrap_err();
            assert!(!error.problem.line().as_str().contains("paused"), "{}", error.problem);
        }
        assert_eq!(fake.calls().len(), 8, "{status}");
    }
}

#[tokio::test]
async fn a_collection_that_is_told_of_an_empty_quota_waits_before_the_wall() {
    let page = r#"{"data": [], "has_more": false}"#;
    let fake = Fake::start(move |_| {
        Answer::new(200, page)
            .with("x-ratelimit-limit", 100)
            .with("x-ratelimit-remaining", 0)
            .with("x-ratelimit-reset", 40)
    })
    .await;
    let source = source(System::Stripe, &fake.base);
    let mut held = crate::fakes::Held::default();
    let error = held.round(&*source, now()).await.unwrap_err();
    assert_eq!(error.cause, Cause::RateLimited);
    assert!(error.retry_after_ms.unwrap() > 38_000, "{error:?}");
    assert_eq!(fake.calls().len(), 1, "it never came to a refusal");
}

#[tokio::test]
async fn what_is_not_the_json_that_was_asked_for_is_garbage() {
    for (body, words) in [
        ("<!doctype html><title>Log in</title>", "HTML"),
        ("", "empty body"),
        ("   \n", "empty body"),
        ("hello", "not JSON"),
        ("[]", "not an object"),
        ("{\"a\": \u{1}}", "not JSON"),
        (r#"{"data": {}, "results": 7, "users": "x", "customFields": 5}"#, "list"),
        ("{}", "list"),
    ] {
        for system in SYSTEMS {
            let fake = Fake::start(move |_| Answer::new(200, body)).await;
            if (system, body) == (System::Netlify, "[]") {
                continue; // a list is what it asks for; one without the site is told as such
            }
            let error = fails(system, &fake.base).await;
            assert_eq!(error.cause, Cause::Garbage, "{system}: {body}");
            let words = if words == "list" && !LISTED.contains(&system) { "answered with" } else { words };
            assert!(error.problem.to_string().contains(words), "{}", error.problem);
        }
    }
}

#[tokio::test]
async fn strange_rows_do_not_break_a_collection() {
    let rows = json!([{}, {"id": null}, {"id": {"deep": 1}}, 7, null, "x", {"id": "cus_1", "object": "customer",
        "email": 5, "created": "never", "metadata": [], "name": "a\u{1b}[2Jb\r"}]);
    let fake = Fake::start(move |_| Answer::json(&json!({"data": rows, "has_more": false}))).await;
    let batch = source(System::Stripe, &fake.base).collect(None, now()).await.unwrap();
    assert_eq!(batch.records.len(), 1);
    assert!(batch.records[0].name.as_ref().unwrap().is_marked());
    assert!(batch.partial.unwrap().to_string().contains("6 rows"));
}

/// A server that answers every request with these bytes and closes.
async fn raw(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let bytes = bytes.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    base
}

#[tokio::test]
async fn a_reply_that_is_cut_is_an_outage_not_an_answer() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"data\": [{\"id\": \"cus_1\""[..],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10\r\n{\"data\": [{\"id\":\r\n",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"data\": [{\"id\": ",
        b"HTTP/1.1 200",
        b"",
    ] {
        let error = fails(System::Stripe, &raw(bytes.to_vec()).await).await;
        assert_eq!(error.cause, Cause::Unavailable, "{}", error.problem);
        assert!(error.problem.to_string().contains("/v1/customers"), "{}", error.problem);
    }
}

#[tokio::test]
async fn fifty_megabytes_are_refused_without_being_read() {
    let announced = b"HTTP/1.1 200 OK\r\ncontent-length: 52428800\r\n\r\n{".to_vec();
    let error = fails(System::Stripe, &raw(announced).await).await;
    assert_eq!(error.cause, Cause::Garbage);
    assert!(error.problem.to_string().contains("more than 16 MiB"), "{}", error.problem);

    // Not announced: 50 MB in chunks. The sender must be cut off soon after 16 MiB.
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        let _ = stream.read(&mut buffer).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
        let chunk = [b"10000\r\n".to_vec(), vec![b' '; 65_536], b"\r\n".to_vec()].concat();
        for _ in 0..800 {
            if stream.write_all(&chunk).await.is_err() {
                return;
            }
            count.fetch_add(65_536, Ordering::SeqCst);
        }
    });
    let error = fails(System::Stripe, &base).await;
    assert_eq!(error.cause, Cause::Garbage);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let sent = sent.load(Ordering::SeqCst);
    assert!(sent < 30 * 1024 * 1024, "{sent} bytes were taken");
}

#[tokio::test]
async fn a_bomb_that_unpacks_to_fifty_megabytes_is_refused() {
    let body = include_bytes!("fifty_mib_of_blanks.gz").to_vec();
    let fake =
        Fake::start(move |_| Answer { body: body.clone(), ..Answer::new(200, "").with("content-encoding", "gzip") })
            .await;
    let error = fails(System::Stripe, &fake.base).await;
    assert_eq!(error.cause, Cause::Garbage, "{}", error.problem);
    assert!(error.problem.to_string().contains("more than 16 MiB"), "{}", error.problem);
}

#[tokio::test]
async fn a_cursor_that_never_ends_is_found() {
    let same: fn(usize) -> Value = |_| json!({"id": "cus_1", "object": "customer"});
    let circle: fn(usize) -> Value = |n| json!({"id": format!("cus_{}", n % 7), "object": "customer"});
    for row in [same, circle] {
        let n = AtomicUsize::new(0);
        let fake = Fake::start(move |_| {
            let n = n.fetch_add(1, Ordering::SeqCst);
            let row = row(n);
            let next = format!("c{}", row["id"]);
            Answer::json(&json!({
                "data": [row.clone()], "has_more": true,
                "results": [row.clone()], "paging": {"next": {"after": next}},
                "pages": {"next": {"starting_after": next}}, "users": [row.clone()], "after_cursor": next, "end_of_stream": false,
                "additional_data": {"next_cursor": next}, "customFields": [], "contacts": [row],
                "meta": {"startAfterId": next, "startAfter": 1, "nextPage": 2,
                         "pagination": {"has_more": true, "next": format!("/x?after={next}")}},
            }))
        })
        .await;
        for system in LISTED {
            fake.take_paths();
            let error = fails(system, &fake.base).await;
            assert_eq!(error.cause, Cause::Garbage);
            assert!(error.problem.to_string().contains("circles"), "{}", error.problem);
            let calls = fake.take_paths().len();
            assert!(calls < 40, "{system}: {calls} calls before it was noticed");
        }
    }
}

#[tokio::test]
async fn an_empty_page_that_promises_more_is_garbage() {
    let fake = Fake::start(|_| {
        Answer::json(
            &json!({"pages": {"next": {"starting_after": "x"}}, "data": [], "has_more": true, "results": [], "paging": {"next": {"after": "1"}}, "users": [],
            "end_of_stream": false, "additional_data": {"next_cursor": "1"}, "customFields": [], "contacts": [],
            "meta": {"startAfterId": "1", "nextPage": 2, "pagination": {"has_more": true, "next": "/x"}}}),
        )
    })
    .await;
    for system in LISTED {
        assert_eq!(fails(system, &fake.base).await.cause, Cause::Garbage);
    }
}

#[tokio::test]
async fn a_next_page_on_another_host_is_garbage_and_is_not_asked() {
    let thief = Fake::start(|_| Answer::json(&json!({"data": [], "results": [], "users": []}))).await;
    let elsewhere = thief.base.clone();
    let fake = Fake::start(move |_| {
        let link = format!("{elsewhere}/v1/customers?cursor=secret-cursor");
        Answer::json(&json!({
            "data": [{"id": "cus_1", "object": "customer"}], "has_more": true, "url": link,
            "results": [{"id": "1"}], "paging": {"next": {"after": "1", "link": link}},
            "pages": {"next": link}, "users": [{"id": 1}], "after_cursor": "c", "after_url": link, "end_of_stream": false,
            "customFields": [], "contacts": [{"id": 1}],
            "meta": {"startAfterId": "1", "nextPageUrl": link, "pagination": {"has_more": true, "next": link}},
        }))
    })
    .await;
    for system in LISTED {
        let error = fails(system, &fake.base).await;
        assert_eq!(error.cause, Cause::Garbage);
        let text = error.problem.to_string();
        assert!(text.contains("another host") && !text.contains("secret-cursor"), "{text}");
    }
    assert!(thief.calls().is_empty());
}

#[tokio::test]
async fn a_redirect_takes_no_credential_anywhere() {
    let thief = Fake::start(|_| Answer::json(&json!({"data": []}))).await;
    for status in [301, 302, 303, 307, 308] {
        let to = format!("{}/v1/customers", thief.base);
        let fake = Fake::start(move |_| Answer::new(status, "").with("location", &to)).await;
        let error = fails(System::Stripe, &fake.base).await;
        assert_eq!(error.cause, Cause::Settings);
        assert!(error.problem.to_string().contains("it redirects to http://127.0.0.1"), "{}", error.problem);
    }
    assert!(thief.calls().is_empty());
}

#[tokio::test]
async fn a_provider_that_repeats_the_credential_does_not_leak_it_through_us() {
    for (system, status) in SYSTEMS.into_iter().flat_map(|s| [200, 302, 400, 401, 429, 500].map(|code| (s, code))) {
        let fake = Fake::start(move |call| {
            let told = call.headers.get("authorization").or_else(|| call.headers.get("x-api-token")).unwrap().clone();
            let bare = told.split(' ').next_back().unwrap().to_owned();
            let said = json!({"error": {"message": format!("bad key {told} {CANARY} pat-{CANARY} rk_live_{CANARY}"),
                "code": "bad", "detail": format!("bad key {told} pdl_live_apikey_{CANARY}")}});
            Answer::new(status, &said.to_string())
                .with("request-id", &bare)
                .with("retry-after", &bare)
                .with("location", format!("https://{bare}.example/{bare}"))
        })
        .await;
        let error = Held::default().round(&*source(system, &fake.base), now()).await.unwrap_err();
        let text = format!("{error:?} {}", error.problem);
        let own = key(system);
        let basic = "b3BzQGFjbWUuZXhhbXBsZS90b2tlbjpwYXQtY2FuYXJ5OWYzYTdiMjE=";
        for form in [own.as_str(), basic] {
            assert!(!text.contains(form), "{system} {status}: {text}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_hangs_costs_its_timeout_and_no_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let limits = Limits { timeout: Duration::from_millis(300), ..Limits::LOOPBACK };
    let begin = Instant::now();
    let error = with(System::Zendesk, &base, limits).collect(None, now()).await.unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    assert_eq!(error.cause, Cause::Unavailable);
    secretless(&error);
    drop(listener);
    let error = with(System::Zendesk, &base, limits).collect(None, now()).await.unwrap_err();
    assert_eq!(error.cause, Cause::Unavailable);
    assert!(error.problem.to_string().contains("refused"), "{}", error.problem);
    secretless(&error);
}

#[tokio::test]
async fn a_cursor_of_another_version_means_start_over() {
    for system in SYSTEMS {
        for text in ["", "{}", "nonsense", r#"{"phase":"customers","page":7}"#] {
            let error = source(system, "http://127.0.0.1:9").collect(Some(text), now()).await.unwrap_err();
            assert_eq!(error.cause, Cause::Expired, "{system} {text}");
        }
    }
}

#[tokio::test]
async fn a_provider_whose_certificate_does_not_verify_gets_no_credential() {
    let key = crate::uptime::Key::new();
    let chain = vec![crate::uptime::certificate("me", &key, "me", &key, Some("localhost"), (-5, 30))];
    let port = crate::uptime::serve(chain, &key).await;
    let error = fails(System::Stripe, &format!("https://localhost:{port}")).await;
    assert_eq!(error.cause, Cause::Unavailable);
    let text = error.problem.to_string();
    assert!(text.contains("certificate"), "{text}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_told_as_such() {
    let error = fails(System::Hubspot, "https://no-such-name.invalid").await;
    assert_eq!(error.cause, Cause::Unavailable);
    assert!(error.problem.to_string().contains("does not resolve"), "{}", error.problem);
}
