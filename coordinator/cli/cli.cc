// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/cli.h"

#include <functional>
#include <utility>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "coordinator/cli/client.h"

namespace trident {
namespace {

constexpr int kExitNotFound = 1;
constexpr int kExitUsage = 2;
constexpr int kExitUnreachable = 3;
constexpr int kExitRefused = 4;
constexpr int kExitDamaged = 5;

int ExitCodeOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return 0;
    case StatusCode::kNotFound:
      return kExitNotFound;
    case StatusCode::kInvalidArgument:
      return kExitUsage;
    case StatusCode::kUnavailable:
      return kExitUnreachable;
    case StatusCode::kDataLoss:
      return kExitDamaged;
    default:
      return kExitRefused;
  }
}

nlohmann::json ToJson(const Datum& datum) {
  if (datum.is_null()) return nullptr;
  if (const bool* b = std::get_if<bool>(&datum.value)) return *b;
  if (const int64_t* n = std::get_if<int64_t>(&datum.value)) return *n;
  if (const double* d = std::get_if<double>(&datum.value)) return *d;
  if (const auto* list = std::get_if<std::vector<Datum>>(&datum.value)) {
    nlohmann::json array = nlohmann::json::array();
    for (const Datum& element : *list) array.push_back(ToJson(element));
    return array;
  }
  return ToString(datum);
}

// What the options say, and where answers go.
struct Command {
  std::string address = kDefaultAddress;
  std::string output = "text";
  double timeout_s = 10;
  std::string state;
  std::vector<std::string> key;
  ClientReadAt at;
  ClientScan scan;
  std::string function;
  std::string args;
  bool dot = false;
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;

  bool json() const { return output == "json"; }
};

int Fail(const Command& command, const Status& status) {
  *command.err << "trident: " << Message(status);
  if (status.code() == StatusCode::kUnavailable) {
    *command.err << "\nNo topology answers at " << command.address << ". Start one with --address "
                 << command.address << ", or name another with --address HOST:PORT.";
  }
  *command.err << "\n";
  return ExitCodeOf(status);
}

std::string RowLine(const ClientRow& row) {
  std::string line;
  for (const Datum& value : row.key) line += (line.empty() ? "" : "  ") + ToString(value);
  if (row.value) line += (line.empty() ? "" : "  ") + ToString(*row.value);
  return line;
}

nlohmann::json RowJson(const ClientRow& row) {
  nlohmann::json values = nlohmann::json::array();
  for (const Datum& value : row.key) values.push_back(ToJson(value));
  if (!row.value) return values;
  return {{"key", values}, {"value", ToJson(*row.value)}};
}

int PrintRows(const Command& command, const StatusOr<ClientRows>& rows) {
  if (!rows.ok()) return Fail(command, rows.status());
  if (command.json()) {
    nlohmann::json answer = {{"txid", rows->txid}, {"rows", nlohmann::json::array()}};
    if (!rows->fields.empty()) answer["fields"] = rows->fields;
    for (const ClientRow& row : rows->rows) answer["rows"].push_back(RowJson(row));
    *command.out << answer.dump() << "\n";
    return 0;
  }
  std::string header;
  for (const std::string& field : rows->fields) header += (header.empty() ? "" : "  ") + field;
  if (!header.empty()) *command.out << header << "\n";
  for (const ClientRow& row : rows->rows) *command.out << RowLine(row) << "\n";
  if (rows->txid != 0) *command.out << "(at txid " << rows->txid << ")\n";
  return 0;
}

int PrintText(const Command& command, const StatusOr<std::string>& text) {
  if (!text.ok()) return Fail(command, text.status());
  *command.out << *text;
  return 0;
}

int GetKey(const Command& command, Client& client) {
  StatusOr<ClientRows> rows = client.Get(command.state, command.key, command.at);
  if (rows.ok() && rows->rows.empty()) {
    return Fail(command,
                NotFound("state \"", command.state, "\" has no such key at txid ", rows->txid,
                         "; state scan ", command.state, " --prefix shows the keys there are"));
  }
  return PrintRows(command, rows);
}

void AddReadAt(CLI::App& app, Command& command) {
  app.add_option("--at", command.at.exactly, "read at exactly this txid");
  app.add_option("--at-least", command.at.at_least, "wait until this txid is committed");
}

// What a parsed command line asks for; set by the subcommand that was named.
using Action = std::function<int(const Command&, Client&)>;

void AddStateCommands(CLI::App& app, Command& command, Action& action) {
  CLI::App* state = app.add_subcommand("state", "states of the topology");
  state->require_subcommand(1);
  CLI::App* list = state->add_subcommand("list", "the states there are");
  list->callback([&action] {
    action = [](const Command& c, Client& client) { return PrintRows(c, client.ListStates()); };
  });
  CLI::App* get = state->add_subcommand("get", "the value of a key");
  get->add_option("state", command.state, "the state's name")->required();
  get->add_option("key", command.key, "one value for each field of the key");
  AddReadAt(*get, command);
  get->callback([&action] { action = GetKey; });
  CLI::App* scan = state->add_subcommand("scan", "keys and values in key order");
  scan->add_option("state", command.scan.state, "the state's name")->required();
  scan->add_option("--prefix", command.scan.prefix, "only keys that start with these fields");
  scan->add_option("--from", command.scan.from, "the first key, included");
  scan->add_option("--to", command.scan.to, "the last key, not included");
  scan->add_option("--limit", command.scan.rows_max, "at most so many rows; 0: all");
  AddReadAt(*scan, command);
  scan->callback([&action] {
    action = [](const Command& c, Client& client) {
      ClientScan request = c.scan;
      request.at = c.at;
      return PrintRows(c, client.Scan(request));
    };
  });
}

void AddCommands(CLI::App& app, Command& command, Action& action) {
  AddStateCommands(app, command, action);
  CLI::App* drpc = app.add_subcommand("drpc", "call a request function");
  drpc->add_option("function", command.function, "its name")->required();
  drpc->add_option("args", command.args, "its argument");
  drpc->callback([&action] {
    action = [](const Command& c, Client& client) {
      return PrintRows(c, client.Drpc(c.function, c.args));
    };
  });
  app.add_subcommand("batches", "what each batch group is doing")->callback([&action] {
    action = [](const Command& c, Client& client) { return PrintRows(c, client.Batches()); };
  });
  CLI::App* explain = app.add_subcommand("explain", "the plan");
  explain->add_flag("--dot", command.dot, "in Graphviz's language");
  explain->callback([&action] {
    action = [](const Command& c, Client& client) {
      return PrintText(c, client.Explain(c.dot ? "dot" : "text"));
    };
  });
  app.add_subcommand("metrics", "counters, in Prometheus' text format")->callback([&action] {
    action = [](const Command& c, Client& client) { return PrintText(c, client.Metrics()); };
  });
  auto done = [](const Command& c, const Status& status) {
    return status.ok() ? 0 : Fail(c, status);
  };
  app.add_subcommand("pause", "cut no new batch")->callback([&action, done] {
    action = [done](const Command& c, Client& client) { return done(c, client.Pause()); };
  });
  app.add_subcommand("resume", "end a pause")->callback([&action, done] {
    action = [done](const Command& c, Client& client) { return done(c, client.Resume()); };
  });
}

}  // namespace

int RunCli(const std::vector<std::string>& args, std::ostream& out, std::ostream& err) {
  CLI::App app("Asks a running topology.", "trident");
  Command command;
  command.out = &out;
  command.err = &err;
  Action action;
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--address", command.address, "HOST:PORT of the topology")
      ->envname("TRIDENT_ADDRESS")
      ->capture_default_str();
  app.add_option("-o,--output", command.output, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("--timeout", command.timeout_s, "seconds to wait for an answer")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  AddCommands(app, command, action);
  for (CLI::App* sub : app.get_subcommands({})) {
    sub->fallthrough();
    for (CLI::App* leaf : sub->get_subcommands({})) leaf->fallthrough();
  }
  try {
    std::vector<std::string> reversed(args.rbegin(), args.rend());
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, out, err) == 0 ? 0 : kExitUsage;
  }
  Client client(command.address, static_cast<Nanos>(command.timeout_s * kSecond));
  return action(command, client);
}

}  // namespace trident
