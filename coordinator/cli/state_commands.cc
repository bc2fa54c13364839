// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <utility>

#include "base/key_encoding.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/json.h"

namespace trident {
namespace {

// What a null is typed as, where a key field may be null.
constexpr char kNullText[] = "\\N";

StatusOr<Datum> ParseField(const KeyField& field, const std::string& text) {
  if (field.nullability == Nullability::kNullable && text == kNullText) return Datum{};
  StatusOr<Datum> value = ParseDatum(*field.type, text);
  if (!value.ok()) return Annotate(value.status(), Concat("key field '", field.name, "'"));
  return value;
}

// "1 value, found 2".
std::string Expected(size_t fields, size_t found) {
  return Concat(fields, fields == 1 ? " value" : " values", ", found ", found);
}

// The first fields of a key of `state`, from what was typed.
StatusOr<std::vector<Datum>> ParseFields(const RemoteState& state,
                                         const std::vector<std::string>& typed) {
  if (typed.size() > state.key_fields.size()) {
    return InvalidArgument("the key of state '", state.name, "' is [", state.KeyText(),
                           "]: expected ", Expected(state.key_fields.size(), typed.size()),
                           "; quote a value that has spaces");
  }
  std::vector<Datum> out;
  for (size_t i = 0; i < typed.size(); ++i) {
    TRIDENT_ASSIGN_OR_RETURN(Datum value, ParseField(state.key_fields[i], typed[i]));
    out.push_back(std::move(value));
  }
  return out;
}

StatusOr<std::vector<Datum>> ParseKey(const RemoteState& state,
                                      const std::vector<std::string>& typed) {
  if (typed.size() < state.key_fields.size()) {
    return InvalidArgument("the key of state '", state.name, "' is [", state.KeyText(),
                           "]: expected ", Expected(state.key_fields.size(), typed.size()),
                           "; give one for each field, or use `state scan` with --prefix");
  }
  return ParseFields(state, typed);
}

std::string KeyList(const std::vector<Datum>& key) {
  std::string out;
  for (const Datum& value : key) out += (out.empty() ? "" : ", ") + OneLine(value);
  return out;
}

struct FoundValue {
  std::vector<Datum> key;
  RemoteValue value;
};

StatusOr<FoundValue> Lookup(Client& client, const StateArgs& args) {
  TRIDENT_ASSIGN_OR_RETURN(const RemoteState state, client.FindState(args.state));
  FoundValue out;
  TRIDENT_ASSIGN_OR_RETURN(out.key, ParseKey(state, args.key));
  TRIDENT_ASSIGN_OR_RETURN(out.value, client.Get(args.state, out.key, args.at));
  return out;
}

StatusOr<RemoteScan> ScanOf(Client& client, const StateArgs& args) {
  TRIDENT_ASSIGN_OR_RETURN(const RemoteState state, client.FindState(args.state));
  RemoteScan out{.state = args.state,
                 .prefix = {},
                 .from = {},
                 .to = {},
                 .at = args.at,
                 .rows_max = args.limit};
  TRIDENT_ASSIGN_OR_RETURN(out.prefix, ParseFields(state, args.prefix));
  TRIDENT_ASSIGN_OR_RETURN(out.from, ParseFields(state, args.from));
  TRIDENT_ASSIGN_OR_RETURN(out.to, ParseFields(state, args.to));
  return out;
}

StatusOr<RemoteWatch> WatchOf(Client& client, const StateArgs& args) {
  TRIDENT_ASSIGN_OR_RETURN(const RemoteState state, client.FindState(args.state));
  RemoteWatch out{.state = args.state, .key = {}, .whole_key = false, .from = args.from_txid};
  if (args.key.empty()) {
    TRIDENT_ASSIGN_OR_RETURN(out.key, ParseFields(state, args.prefix));
  } else {
    TRIDENT_ASSIGN_OR_RETURN(out.key, ParseKey(state, args.key));
    out.whole_key = true;
  }
  return out;
}

std::string UnreadableText(const std::vector<Datum>& key, std::string_view why) {
  return Concat("key [", KeyList(key), "] cannot be read: ", OneLine(why));
}

// A key whose value cannot be read: among the rows for a program, beside them for the eye.
void PrintUnreadable(Console& console, const std::vector<Datum>& key, std::string_view why) {
  if (console.json()) {
    console.out << JsonObject().Add("key", JsonOf(key)).Add("error", JsonText(why)).Done() << '\n';
  }
  console.err << "trident: " << UnreadableText(key, why) << '\n';
}

void PrintRow(Console& console, const std::vector<Datum>& key, const Datum& value) {
  if (console.json()) {
    console.out << JsonObject().Add("key", JsonOf(key)).Add("value", JsonOf(value)).Done() << '\n';
    return;
  }
  std::vector<Datum> line = key;
  line.push_back(value);
  console.out << TabbedLine(line) << '\n';
}

void PrintChange(Console& console, const RemoteChange& change) {
  const std::string txid = JsonNumber(change.txid.value());
  if (console.json()) {
    JsonObject object;
    object.Add("txid", txid).Add("key", JsonOf(change.key));
    if (!change.error.empty()) {
      object.Add("error", JsonText(change.error));
    } else {
      change.value ? object.Add("value", JsonOf(*change.value)) : object.Add("removed", "true");
    }
    console.out << object.Done() << std::endl;
    return;
  }
  const std::string value = change.value ? OneLine(*change.value) : "(removed)";
  console.out << txid << '\t' << TabbedLine(change.key) << '\t'
              << (change.error.empty() ? value : "(cannot be read: " + OneLine(change.error) + ")")
              << std::endl;
}

std::string StateJson(const RemoteState& state) {
  std::vector<std::string> fields;
  for (const KeyField& field : state.key_fields) {
    fields.push_back(
        JsonObject()
            .Add("name", JsonText(field.name))
            .Add("type", JsonText(field.type->name))
            .Add("nullable", field.nullability == Nullability::kNullable ? "true" : "false")
            .Done());
  }
  JsonObject object;
  object.Add("name", JsonText(state.name))
      .Add("kind", JsonText(state.kind))
      .Add("key", JsonArray(fields))
      .Add("value_type", JsonText(state.value_type))
      .Add("partitions", JsonNumber(state.partitions))
      .Add("approximate_keys", JsonNumber(state.approximate_keys))
      .Add("unreadable_keys", JsonNumber(state.unreadable_keys))
      .Add("txid", JsonNumber(state.latest.value()));
  if (state.expire_after_micros > 0) {
    object.Add("expire_after_micros", JsonNumber(state.expire_after_micros));
  }
  return object.Done();
}

// "int64", or "int64 for 3600 s" if keys expire.
std::string ValueText(const RemoteState& state) {
  std::string text = OneLine(state.value_type);
  const uint64_t micros = state.expire_after_micros;
  if (micros == 0) return text;
  constexpr uint64_t kMicrosPerSecond = kSecond / kMicrosecond;
  const bool whole = micros % kMicrosPerSecond == 0;
  return text + (whole ? Concat(" for ", micros / kMicrosPerSecond, " s")
                       : Concat(" for ", micros / 1000, " ms"));
}

}  // namespace

ExitCode StateList(Client& client, Console& console) {
  const StatusOr<std::vector<RemoteState>> states = client.ListStates();
  if (!states.ok()) return Report(console, states.status());
  std::vector<std::vector<std::string>> table = {
      {"STATE", "KIND", "KEY", "VALUE", "KEYS", "UNREADABLE", "TXID"}};
  for (const RemoteState& state : *states) {
    if (console.json()) console.out << StateJson(state) << '\n';
    const std::string key = state.key_fields.empty() ? "(one value)" : state.KeyText();
    table.push_back({OneLine(state.name), state.kind, OneLine(key), ValueText(state),
                     std::to_string(state.approximate_keys), std::to_string(state.unreadable_keys),
                     ToString(state.latest)});
  }
  if (!console.json()) console.out << TableText(table);
  return ExitCode::kOk;
}

ExitCode StateGet(Client& client, const StateArgs& args, Console& console) {
  const StatusOr<FoundValue> found = Lookup(client, args);
  if (!found.ok()) return Report(console, found.status());
  const RemoteValue& value = found->value;
  if (console.json()) {
    JsonObject object;
    object.Add("state", JsonText(args.state))
        .Add("key", JsonOf(found->key))
        .Add("txid", JsonNumber(value.txid.value()))
        .Add("found", value.value ? "true" : "false");
    if (value.value) object.Add("value", JsonOf(*value.value));
    console.out << object.Done() << '\n';
  }
  if (!value.value) {
    return Report(console, NotFound("state '", args.state, "' has no key [", KeyList(found->key),
                                    "] at txid ", value.txid.value(), "; `trident state scan ",
                                    args.state, "` shows what it has"));
  }
  if (!console.json()) {
    PrintRow(console, found->key, *value.value);
    console.err << "(at txid " << value.txid.value() << ")\n";
  }
  return ExitCode::kOk;
}

ExitCode StateScan(Client& client, const StateArgs& args, Console& console) {
  const StatusOr<RemoteScan> scan = ScanOf(client, args);
  if (!scan.ok()) return Report(console, scan.status());
  const StatusOr<RemoteScanEnd> end =
      client.Scan(*scan, [&](const std::vector<Datum>& key, const StatusOr<Datum>& value) {
        value.ok() ? PrintRow(console, key, *value)
                   : PrintUnreadable(console, key, Message(value.status()));
      });
  if (!end.ok()) return Report(console, end.status());
  console.err << "(" << end->rows << (end->rows == 1 ? " row" : " rows") << " at txid "
              << end->txid.value();
  if (end->unreadable > 0) console.err << "; " << end->unreadable << " of them cannot be read";
  console.err << (end->more ? "; there are more, raise --limit to see them" : "") << ")\n";
  return end->unreadable > 0 ? ExitCode::kFailed : ExitCode::kOk;
}

ExitCode StateWatch(Client& client, const StateArgs& args, Console& console) {
  const StatusOr<RemoteWatch> watch = WatchOf(client, args);
  if (!watch.ok()) return Report(console, watch.status());
  std::optional<TxId> told;
  uint64_t changes = 0;
  const Status ended = client.Watch(
      *watch,
      [&](TxId after) {
        told = after;
        console.err << "(changes after txid " << after.value() << ")" << std::endl;
      },
      [&](TxId txid) { told = txid; },
      [&](const RemoteChange& change) {
        PrintChange(console, change);
        return ++changes != args.limit;
      });
  if (ended.ok()) return ExitCode::kOk;
  const ExitCode code = Report(console, ended);
  if (told) {
    console.err << "(to go on where this ended: --from-txid " << told->value() + 1 << ")\n";
  }
  return code;
}

}  // namespace trident
