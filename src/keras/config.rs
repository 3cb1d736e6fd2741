//! `config.json` of a Keras archive -> the dense layers of the network, the first first.
//!
//! Keras describes a network as a list of layers, in 2 and 3 alike; a layer names those that it takes its input from (`inbound_nodes`), in a list of
//! layers that simply follow each other (`Sequential`) not. Only networks whose layers follow each other are read.

use serde_json::Value;

use crate::predict::imported::dense::Activation;

/// A dense layer as it is described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    /// Its name.
    pub(super) name: String,
    /// Its outputs.
    pub(super) units: usize,
    /// What is done to its sums.
    pub(super) activation: Activation,
}

/// The dense layers of a network.
///
/// # Errors
/// What is not supported, by name.
pub(super) fn layers(json: &[u8]) -> Result<Vec<Described>, String> {
    let network: Value = serde_json::from_slice(json).map_err(|e| format!("its config.json is damaged: {e}"))?;
    let lacks = |what: &str| format!("its config.json does not describe a network: it lacks {what}");
    let class = network["class_name"].as_str().ok_or_else(|| lacks("class_name"))?;
    if !["Sequential", "Functional", "Model"].contains(&class) {
        return Err(format!("is a Keras {class}; a network of dense layers (Sequential or Functional) is expected"));
    }
    let listed = network["config"]["layers"].as_array().ok_or_else(|| lacks("layers"))?;
    let mut found: Vec<Described> = Vec::new();
    let mut before: Option<&str> = None;
    for layer in listed {
        let class = layer["class_name"].as_str().ok_or_else(|| lacks("a layer's class_name"))?;
        let config = &layer["config"];
        let name = config["name"].as_str().ok_or_else(|| lacks("a layer's name"))?;
        let mut sources = Vec::new();
        collect_sources(&layer["inbound_nodes"], &mut sources);
        let follows = match (sources.as_slice(), before) {
            ([], None) => true,
            ([], Some(_)) => layer.get("inbound_nodes").is_none_or(|_| network["class_name"] == "Sequential"),
            ([source], Some(before)) => *source == before,
            _ => false,
        };
        if !follows {
            return Err(format!(
                "has a layer {name} that does not simply follow the one before it, which is not supported"
            ));
        }
        before = Some(name);
        match class {
            "InputLayer" | "Dropout" => {}
            "Dense" => {
                let units = config["units"].as_u64().and_then(|units| usize::try_from(units).ok());
                let units = units.ok_or_else(|| lacks("a layer's units"))?;
                if config["use_bias"] == Value::Bool(false) {
                    return Err(format!("has a layer {name} without bias, which is not supported"));
                }
                found.push(Described { name: name.into(), units, activation: activation(&config["activation"])? });
            }
            "Activation" => follow(&mut found, name, activation(&config["activation"])?)?,
            "ReLU"
                if config["max_value"].is_null()
                    && is_zero(&config["negative_slope"])
                    && is_zero(&config["threshold"]) =>
            {
                follow(&mut found, name, Activation::Relu)?;
            }
            "Softmax" => follow(&mut found, name, Activation::Softmax)?,
            other => {
                return Err(format!(
                    "has a layer {name} of the kind {other}; Dense, Dropout and activations are supported"
                ));
            }
        }
    }
    if found.is_empty() { Err("has no dense layer".into()) } else { Ok(found) }
}

/// The activation of a layer: its name, or an object with it.
fn activation(value: &Value) -> Result<Activation, String> {
    match value {
        Value::Null => Ok(Activation::Linear),
        Value::String(name) => Activation::named(name),
        // Keras 3 writes functions so.
        other => other["config"].as_str().map_or_else(|| Activation::named(&other.to_string()), Activation::named),
    }
}

/// Gives the layer before an activation of its own to that layer.
fn follow(found: &mut [Described], name: &str, activation: Activation) -> Result<(), String> {
    match found.last_mut() {
        Some(last) if last.activation == Activation::Linear => {
            last.activation = activation;
            Ok(())
        }
        _ => Err(format!(
            "has an activation {name} that does not follow a dense layer without one, which is not supported"
        )),
    }
}

fn is_zero(value: &Value) -> bool {
    value.is_null() || value.as_f64() == Some(0.0)
}

/// The names of the layers whose outputs are named in a layer's `inbound_nodes`: `{"keras_history": [NAME, 0, 0]}` in Keras 3, `[NAME, 0, 0, {}]`
/// in Keras 2.
fn collect_sources<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Array(items) => match items.as_slice() {
            [Value::String(name), Value::Number(_), ..] => found.push(name),
            items => items.iter().for_each(|item| collect_sources(item, found)),
        },
        Value::Object(fields) => match fields.get("keras_history") {
            Some(history) => collect_sources(history, found),
            None => fields.values().for_each(|value| collect_sources(value, found)),
        },
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dense(name: &str, units: usize, activation: &Value) -> Value {
        json!({"class_name": "Dense", "config": {"name": name, "units": units, "activation": activation, "use_bias": true}})
    }

    fn read(class: &str, listed: &[Value]) -> Result<Vec<Described>, String> {
        layers(json!({"class_name": class, "config": {"layers": listed}}).to_string().as_bytes())
    }

    fn with(mut layer: Value, nodes: Value) -> Value {
        layer["inbound_nodes"] = nodes;
        layer
    }

    #[test]
    fn networks_of_both_generations_are_read() {
        let input = json!({"class_name": "InputLayer", "config": {"name": "in"}, "inbound_nodes": []});
        let drop = json!({"class_name": "Dropout", "config": {"name": "drop", "rate": 0.1}});
        let described = |name: &str, units, activation| Described { name: name.into(), units, activation };
        let wanted = [described("a", 9, Activation::Relu), described("b", 3, Activation::Softmax)];
        let keras2 = |name: &str| json!([[[name, 0, 0, {}]]]);
        let keras3 = |name: &str| {
            let tensor = json!({"class_name": "__keras_tensor__", "config": {"shape": [null, 9], "keras_history": [name, 0, 0]}});
            json!([{"args": [tensor], "kwargs": {"training": null}}])
        };
        let function = json!({"module": "builtins", "class_name": "function", "config": "softmax"});
        for nodes in [&keras2 as &dyn Fn(&str) -> Value, &keras3] {
            let listed = [
                input.clone(),
                with(dense("a", 9, &json!("relu")), nodes("in")),
                with(drop.clone(), nodes("a")),
                with(dense("b", 3, &function), nodes("drop")),
            ];
            assert_eq!(read("Functional", &listed).unwrap(), wanted);
        }
        let activation = |class: &str, name: &str| json!({"class_name": class, "config": {"name": name}});
        let listed = [
            dense("a", 9, &json!("linear")),
            activation("ReLU", "r"),
            dense("b", 3, &Value::Null),
            activation("Softmax", "s"),
        ];
        assert_eq!(read("Sequential", &listed).unwrap(), wanted);
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let said = |class: &str, listed: &[Value]| read(class, listed).unwrap_err();
        let norm = json!({"class_name": "BatchNormalization", "config": {"name": "norm"}});
        assert!(said("Sequential", &[norm]).contains("norm of the kind BatchNormalization"));
        assert!(said("Sequential", &[dense("a", 3, &json!("gelu"))]).contains("'gelu'"));
        assert!(said("Sequential", &[]).contains("no dense layer"));
        assert!(said("MyModel", &[]).contains("MyModel"));
        let two = with(dense("c", 3, &json!("relu")), json!([[["a", 0, 0, {}], ["b", 0, 0, {}]]]));
        let listed = [dense("a", 3, &json!("relu")), dense("b", 3, &json!("relu")), two];
        assert!(
            said("Functional", &listed).contains("layer c that does not simply follow"),
            "{}",
            said("Functional", &listed)
        );
        let mut without = dense("a", 3, &json!("relu"));
        without["config"]["use_bias"] = false.into();
        assert!(said("Sequential", &[without]).contains("without bias"));
        assert!(layers(b"{").unwrap_err().contains("damaged"));
        assert!(layers(b"{}").unwrap_err().contains("class_name"));
    }
}
