//! A small reader of OpenAPI 3 documents: finds the operation of a request and says what of it is not in the document.
//!
//! What must stay true: what is not described is a failure, never passed over.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::fakes::Call;

/// A path item, its operation, and the values of the path's parameters.
type Found<'a> = (&'a Value, &'a Value, Vec<(String, String)>);

/// One provider's document.
pub struct Document(pub Value);

impl Document {
    pub fn resolve<'a>(&'a self, mut value: &'a Value) -> &'a Value {
        while let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            value = self.0.pointer(reference.strip_prefix('#').unwrap()).expect("a reference that leads nowhere");
        }
        value
    }

    /// The path item, operation and the values of the path's parameters.
    fn operation(&self, method: &str, path: &str) -> Result<Found<'_>, String> {
        let mut best: Option<(&Value, Vec<(String, String)>)> = None;
        for (template, item) in self.0["paths"].as_object().unwrap() {
            let parts: Vec<&str> = template.trim_end_matches('/').split('/').collect();
            let given: Vec<&str> = path.split('/').collect();
            if parts.len() != given.len() {
                continue;
            }
            let mut values = Vec::new();
            let fits = parts.iter().zip(&given).all(|(part, given)| {
                match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
                    Some(name) => {
                        values.push((name.to_owned(), (*given).to_owned()));
                        !given.is_empty()
                    }
                    None => part == given,
                }
            });
            // A literal path goes before a template (`/users/me` before `/users/{user_id}`).
            if fits && best.as_ref().is_none_or(|(_, known)| values.len() < known.len()) {
                best = Some((item, values));
            }
        }
        let (item, values) = best.ok_or_else(|| format!("no such path: {path}"))?;
        let operation = item.get(method.to_lowercase()).ok_or_else(|| format!("no {method} on {path}"))?;
        Ok((item, operation, values))
    }

    /// Everything that is wrong with a request. `excused`: required parameters that may be left out.
    pub fn check_request(&self, call: &Call, excused: &[&str]) -> Vec<String> {
        let (item, operation, in_path) = match self.operation(&call.method, &call.path) {
            Ok(found) => found,
            Err(why) => return vec![why],
        };
        let mut wrong = Vec::new();
        let lists = [item, operation].map(|owner| owner["parameters"].as_array().cloned().unwrap_or_default());
        let known: Vec<&Value> = lists.iter().flatten().map(|p| self.resolve(p)).collect();
        let find = |name: &str, place: &str| known.iter().find(|p| p["name"] == name && p["in"] == place);
        for (name, value) in &in_path {
            match find(name, "path") {
                Some(parameter) => self.check_text(&parameter["schema"], value, name, &mut wrong),
                // Paths of the document whose parameters are only in the template are text.
                None => wrong.extend(value.is_empty().then(|| format!("{name} is empty"))),
            }
        }
        let mut seen = BTreeSet::new();
        for (name, value) in &call.query {
            let (base, key) = match name.split_once('[') {
                Some((base, rest)) if find(name, "query").is_none() => (base, rest.strip_suffix(']')),
                _ => (name.as_str(), None),
            };
            let Some(parameter) = find(base, "query") else {
                wrong.push(format!("unknown query parameter `{name}`"));
                continue;
            };
            let repeated = !seen.insert(name.clone());
            let schema = self.resolve(&parameter["schema"]);
            match key {
                None if repeated => wrong.push(format!("`{name}` is given twice")),
                None => self.check_text(schema, value, name, &mut wrong),
                Some(key) if parameter["style"] != "deepObject" => {
                    wrong.push(format!("`{name}`: {base} takes no key ({key})"));
                }
                Some(key) => {
                    let choices = schema["anyOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()]);
                    match choices.iter().find_map(|choice| choice["properties"].get(key)) {
                        Some(inner) => self.check_text(inner, value, name, &mut wrong),
                        None => wrong.push(format!("`{name}`: {base} has no {key}")),
                    }
                }
            }
        }
        for parameter in &known {
            let name = parameter["name"].as_str().unwrap();
            let given = match parameter["in"].as_str() {
                Some("query") => call.query.iter().any(|(k, _)| k == name || k.starts_with(&format!("{name}["))),
                Some("header") => call.headers.contains_key(&name.to_lowercase()),
                _ => true,
            };
            if parameter["required"] == true && !given && !excused.contains(&name) {
                wrong.push(format!("the required parameter `{name}` is missing"));
            }
        }
        let body = self.resolve(&operation["requestBody"]);
        match (&call.body, body["content"].get("application/json")) {
            (Some(sent), Some(media)) => self.check_value(&media["schema"], sent, "body", true, &mut wrong),
            (Some(_), None) => wrong.push("a JSON body is not described".to_owned()),
            (None, _) if body["required"] == true => wrong.push("the body is missing".to_owned()),
            (None, _) => {}
        }
        wrong
    }

    /// Everything in an answer whose type is not the one described. Fields that are not described may stand.
    pub fn check_answer(&self, call: &Call, body: &Value) -> Vec<String> {
        let Ok((_, operation, _)) = self.operation(&call.method, &call.path) else {
            return vec![format!("no such path: {}", call.path)];
        };
        let answer = self.resolve(&operation["responses"]["200"]);
        let mut wrong = Vec::new();
        self.check_value(&answer["content"]["application/json"]["schema"], body, "answer", false, &mut wrong);
        wrong
    }

    /// A value that travels as text.
    fn check_text(&self, schema: &Value, text: &str, name: &str, wrong: &mut Vec<String>) {
        let schema = self.resolve(schema);
        if let Some(choices) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
            let fits = choices.iter().any(|choice| {
                let mut inner = Vec::new();
                self.check_text(choice, text, name, &mut inner);
                inner.is_empty()
            });
            if !fits {
                wrong.push(format!("`{name}` = `{text}` fits none of its forms"));
            }
            return;
        }
        let fits = match schema["type"].as_str() {
            Some("integer") => text.parse::<i64>().is_ok(),
            Some("number") => text.parse::<f64>().is_ok(),
            Some("boolean") => matches!(text, "true" | "false"),
            Some("string") => true,
            // Words without a type (Cloudflare): which of them are allowed is checked below.
            None if schema["enum"].is_array() => true,
            // `style: form, explode: false`: the values stand in one word, separated by commas.
            Some("array") => text.split(',').all(|part| !part.is_empty()),
            other => {
                wrong.push(format!("`{name}`: a parameter of type {other:?} cannot be checked"));
                return;
            }
        };
        if !fits {
            wrong.push(format!("`{name}` = `{text}` is no {}", schema["type"]));
        }
        let choices = schema["enum"].as_array();
        if choices
            .is_some_and(|words| !words.iter().any(|w| w.as_str().map_or_else(|| w.to_string(), str::to_owned) == text))
        {
            wrong.push(format!("`{name}` = `{text}` is none of {}", schema["enum"]));
        }
    }

    /// A JSON value. `strict`: fields that are not described are wrong, and required ones must be there.
    fn check_value(&self, schema: &Value, value: &Value, at: &str, strict: bool, wrong: &mut Vec<String>) {
        let schema = self.resolve(schema);
        if value.is_null() {
            if schema["nullable"] == false {
                wrong.push(format!("{at} may not be null"));
            }
            return;
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(choices) = schema[key].as_array() {
                let tries: Vec<Vec<String>> = choices
                    .iter()
                    .map(|choice| {
                        let mut inner = Vec::new();
                        self.check_value(choice, value, at, strict, &mut inner);
                        inner
                    })
                    .collect();
                if !tries.iter().any(Vec::is_empty) {
                    wrong.extend(tries.into_iter().min_by_key(Vec::len).unwrap_or_default());
                }
                return;
            }
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.check_value(part, value, at, false, wrong);
        }
        let fits = match schema["type"].as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            _ => true,
        };
        if !fits {
            wrong.push(format!("{at} = {value} is no {}", schema["type"]));
            return;
        }
        if let Some(words) = schema["enum"].as_array()
            && !words.contains(value)
        {
            wrong.push(format!("{at} = {value} is none of {}", schema["enum"]));
        }
        for (i, row) in value.as_array().into_iter().flatten().enumerate() {
            self.check_value(&schema["items"], row, &format!("{at}[{i}]"), strict, wrong);
        }
        let properties = &schema["properties"];
        for (name, inner) in value.as_object().into_iter().flatten() {
            let place = format!("{at}.{name}");
            match (properties.get(name), &schema["additionalProperties"]) {
                (Some(known), _) => self.check_value(known, inner, &place, strict, wrong),
                (None, more @ Value::Object(_)) => self.check_value(more, inner, &place, strict, wrong),
                (None, Value::Bool(true)) => {}
                (None, _) if strict && properties.is_object() => wrong.push(format!("{place} is not described")),
                (None, _) => {}
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if strict && value.is_object() && value.get(name).is_none() {
                wrong.push(format!("{at}.{name} is missing"));
            }
        }
    }
}
