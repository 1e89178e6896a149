//! `mcpgw`: whether the gateway has an MCP server of its own, and what that may do. Not here: the server (see `gateway::mcpgw`).

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// The gateway's own MCP server, `mcpgw`, where more than a word is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mcpgw {
    /// Who answers at `/mcpgw/mcp`; by the registry's file if absent.
    pub serve: Option<ServeMcpgw>,
    /// Whether a caller may call any tool that they may call through one of `mcpgw`'s own, `call_tool`.
    pub call_tool: bool,
}

/// Who answers at `/mcpgw/mcp`.
#[derive(Clone, Copy, Debug, serde::Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ServeMcpgw {
    /// The gateway itself, whatever the registry's `mcpgw.json` says.
    Builtin,
    /// The server of `mcpgw.json`, and nobody if there is none.
    Forward,
}

/// The same as it is written out.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct McpgwTable {
    /// Who answers at `/mcpgw/mcp`: the server that `mcpgw.json` has an address for, else the gateway itself, if absent.
    #[serde(default)]
    serve: Option<ServeMcpgw>,
    /// Whether a caller may call any tool that they may call through one of `mcpgw`'s own, `call_tool`.
    #[serde(default)]
    call_tool: bool,
}

impl Mcpgw {
    /// Whether the gateway itself answers, where the registry's file has an address for it or not.
    pub fn is_built_in(self, has_address: bool) -> bool {
        match self.serve {
            Some(ServeMcpgw::Builtin) => true,
            Some(ServeMcpgw::Forward) => false,
            None => !has_address,
        }
    }
}

impl<'de> Deserialize<'de> for Mcpgw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(McpgwVisitor)
    }
}

struct McpgwVisitor;

impl<'de> Visitor<'de> for McpgwVisitor {
    type Value = Mcpgw;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("builtin, forward, or serve and call_tool")
    }

    fn visit_unit<E>(self) -> Result<Mcpgw, E> {
        Ok(Mcpgw::default())
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Mcpgw, E> {
        let serve = ServeMcpgw::deserialize(serde::de::value::StrDeserializer::<E>::new(word))?;
        Ok(Mcpgw { serve: Some(serve), ..Mcpgw::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Mcpgw, A::Error> {
        let McpgwTable { serve, call_tool } = McpgwTable::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Mcpgw { serve, call_tool })
    }
}

impl JsonSchema for Mcpgw {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Mcpgw".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (table, word) =
            (generator.subschema_for::<McpgwTable>(), generator.subschema_for::<ServeMcpgw>());
        json_schema!({"anyOf": [table, word]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_word_or_a_table() {
        let read = serde_saphyr::from_str::<Mcpgw>;
        let builtin = Mcpgw { serve: Some(ServeMcpgw::Builtin), call_tool: false };
        assert_eq!(read("builtin").unwrap(), builtin);
        assert_eq!(read("{call_tool: true}").unwrap(), Mcpgw { serve: None, call_tool: true });
        assert_eq!(read("{serve: builtin, call_tool: false}").unwrap(), builtin);
        assert_eq!(read("forward").unwrap().serve, Some(ServeMcpgw::Forward));
        for wrong in
            ["built-in", "true", "[builtin]", "{serve: x}", "{call_tools: true}", "{call_tool: yes please}"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_in_the_file_is_forwarded_to_unless_something_else_is_said() {
        let serves = |yaml: &str| serde_saphyr::from_str::<Mcpgw>(yaml).unwrap();
        for (yaml, with, without) in [
            ("{}", false, true),
            ("builtin", true, true),
            ("forward", false, false),
            ("{call_tool: true}", false, true),
        ] {
            assert_eq!(
                (serves(yaml).is_built_in(true), serves(yaml).is_built_in(false)),
                (with, without),
                "{yaml}"
            );
        }
    }
}
