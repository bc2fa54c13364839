// SPDX-License-Identifier: Apache-2.0
//
// DRPC and administration.
#include <algorithm>
#include <cstdio>
#include <map>

#include "base/clock.h"
#include "base/version.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/json.h"

namespace trident {
namespace {

std::string Milliseconds(Nanos nanos) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.1f ms", static_cast<double>(nanos) / kMillisecond);
  return buffer;
}

std::string RowsText(size_t rows) { return Concat(rows, rows == 1 ? " row" : " rows"); }

// A label, and what there is to say under it.
void Line(std::ostream& out, std::string_view label, const std::string& text) {
  out << "  " << label << std::string(14 - label.size(), ' ') << text << '\n';
}

std::string StandingOf(const BatchGroupView& group) {
  if (!group.halted.ok()) return Concat("HALTED: ", Message(group.halted));
  if (group.paused) return "paused; `trident resume` goes on";
  return group.waits_for.empty() ? "running" : group.waits_for;
}

void PrintGroup(std::ostream& out, const BatchGroupView& group) {
  out << "group " << OneLine(group.name) << '\n';
  Line(out, "last decided",
       Concat("txid ", group.last_decided.value(), "; ", group.rows_committed,
              " rows committed since the start"));
  Line(out, "now", OneLine(StandingOf(group)));
  Line(out, "lag", ToString(group.lag));
  if (group.source_rows_skipped + group.source_rows_repaired + group.source_rows_left > 0) {
    Line(out, "sources",
         Concat(group.source_rows_skipped, " rows skipped, ", group.source_rows_repaired,
                " repaired since the start; ", group.source_rows_left, " left for the next run"));
  }
  Line(out, "commit time",
       group.commit_p50 == 0 ? std::string("none measured yet")
                             : Concat("p50 ", Milliseconds(group.commit_p50), ", p99 ",
                                      Milliseconds(group.commit_p99)));
  Line(out, "next batch",
       Concat("up to ", group.rows_limit, " rows, ", group.bytes_limit, " bytes, ",
              Milliseconds(group.age_limit), " old"));
  Line(out, "failures",
       Concat(group.retries_total, " since the start, ", group.retries, " of the next txid; ",
              group.dead_letters, " dead letters since the start",
              group.letters_retried == 0 ? std::string()
                                         : Concat(", ", group.letters_retried, " tried again")));
  if (!group.last_failure.ok()) {
    Line(out, "last failure", OneLine(Message(group.last_failure)));
  }
  Line(out, "in flight", Concat(group.in_flight.size(), " of ", group.max_pending));
  if (group.in_flight.empty()) return;
  std::vector<std::vector<std::string>> table = {{"    TXID", "ATTEMPT", "PHASE", "ROWS"}};
  for (const BatchView& batch : group.in_flight) {
    table.push_back({"    " + ToString(batch.txid), ToString(batch.attempt), OneLine(batch.phase),
                     std::to_string(batch.rows)});
  }
  out << TableText(table);
}

std::string BatchJson(const BatchView& batch) {
  return JsonObject()
      .Add("txid", JsonNumber(batch.txid.value()))
      .Add("attempt", JsonText(ToString(batch.attempt)))
      .Add("phase", JsonText(batch.phase))
      .Add("rows", JsonNumber(batch.rows))
      .Done();
}

std::string GroupJson(const BatchGroupView& group) {
  std::vector<std::string> batches;
  for (const BatchView& batch : group.in_flight) batches.push_back(BatchJson(batch));
  const auto micros = [](Nanos nanos) { return std::to_string(nanos / kMicrosecond); };
  return JsonObject()
      .Add("name", JsonText(group.name))
      .Add("last_decided", JsonNumber(group.last_decided.value()))
      .Add("in_flight", JsonArray(batches))
      .Add("max_pending", std::to_string(group.max_pending))
      .Add("rows_limit", JsonNumber(group.rows_limit))
      .Add("bytes_limit", JsonNumber(group.bytes_limit))
      .Add("age_limit_micros", micros(group.age_limit))
      .Add("rows_committed", JsonNumber(group.rows_committed))
      .Add("retries", JsonNumber(group.retries))
      .Add("retries_total", JsonNumber(group.retries_total))
      .Add("dead_letters", JsonNumber(group.dead_letters))
      .Add("letters_retried", JsonNumber(group.letters_retried))
      .Add("waits_for", JsonText(group.waits_for))
      .Add("last_failure", JsonText(Message(group.last_failure)))
      .Add("halted", JsonText(Message(group.halted)))
      .Add("paused", group.paused ? "true" : "false")
      .Add("commit_p50_micros", micros(group.commit_p50))
      .Add("commit_p99_micros", micros(group.commit_p99))
      .Add("lag_rows", group.lag.rows ? JsonNumber(*group.lag.rows) : "null")
      .Add("lag_bytes", group.lag.bytes ? JsonNumber(*group.lag.bytes) : "null")
      .Add("lag_unknown_partitions", JsonNumber(group.lag.unknown_partitions))
      .Add("source_rows_skipped", JsonNumber(group.source_rows_skipped))
      .Add("source_rows_repaired", JsonNumber(group.source_rows_repaired))
      .Add("source_rows_left", JsonNumber(group.source_rows_left))
      .Done();
}

// The newest txid that anybody's readers see, by batch group.
std::map<std::string, TxId> NewestOf(const std::vector<WorkerView>& workers) {
  std::map<std::string, TxId> newest;
  for (const WorkerView& worker : workers) {
    for (const auto& [group, txid] : worker.published) {
      newest[group] = std::max(newest[group], txid);
    }
  }
  return newest;
}

// How many txids its readers are behind, in the group in which that is most.
uint64_t BehindOf(const WorkerView& worker, const std::map<std::string, TxId>& newest) {
  uint64_t behind = 0;
  for (const auto& [group, txid] : worker.published) {
    behind = std::max(behind, newest.at(group).value() - txid.value());
  }
  return behind;
}

std::string AddressOf(const WorkerView& worker) {
  return worker.address.empty() ? "-" : OneLine(worker.address);
}

// "counts 0-21 of 64, total 0 of 1": the partitions that it has.
std::string StatesOf(const WorkerView& worker) {
  std::string text;
  for (const WorkerView::StatePart& part : worker.states) {
    if (part.count == 0) continue;
    const uint32_t last = part.first + part.count - 1;
    text += Concat(text.empty() ? "" : ", ", OneLine(part.state), " ", part.first,
                   last == part.first ? std::string() : Concat("-", last), " of ", part.of);
  }
  return text.empty() ? "-" : text;
}

std::string AgeText(Nanos age) {
  const Nanos seconds = age / kSecond;
  if (seconds < 120) return Concat(seconds, " s");
  if (seconds < 2 * 3'600) return Concat(seconds / 60, " min");
  return seconds < 2 * 86'400 ? Concat(seconds / 3'600, " h") : Concat(seconds / 86'400, " d");
}

std::string WorkerJson(const WorkerView& worker, const std::map<std::string, TxId>& newest) {
  std::vector<std::string> states, groups;
  for (const WorkerView::StatePart& part : worker.states) {
    states.push_back(JsonObject()
                         .Add("state", JsonText(part.state))
                         .Add("first", JsonNumber(part.first))
                         .Add("count", JsonNumber(part.count))
                         .Add("of", JsonNumber(part.of))
                         .Done());
  }
  for (const auto& [group, txid] : worker.published) {
    groups.push_back(JsonObject()
                         .Add("group", JsonText(group))
                         .Add("published", JsonNumber(txid.value()))
                         .Done());
  }
  return JsonObject()
      .Add("worker", JsonNumber(worker.worker.value()))
      .Add("leads", worker.leads ? "true" : "false")
      .Add("address", JsonText(worker.address))
      .Add("away", JsonText(Message(worker.away)))
      .Add("epoch", JsonNumber(worker.epoch.value()))
      .Add("executors", JsonNumber(worker.executors))
      .Add("tasks", JsonNumber(worker.tasks))
      .Add("states", JsonArray(states))
      .Add("groups", JsonArray(groups))
      .Add("txids_behind", JsonNumber(BehindOf(worker, newest)))
      .Add("rows_read", JsonNumber(worker.rows_read))
      .Add("rows_per_second", JsonNumber(worker.rows_per_second))
      .Add("memory_bytes", JsonNumber(worker.memory_bytes))
      .Add("uptime_micros", std::to_string(worker.uptime / kMicrosecond))
      .Done();
}

std::string AnswerJson(const std::string& function, const DrpcAnswer& answer) {
  std::vector<std::string> fields, rows;
  for (const std::string& field : *answer.fields) fields.push_back(JsonText(field));
  for (const std::vector<Datum>& row : answer.rows) rows.push_back(JsonOf(row));
  return JsonObject()
      .Add("function", JsonText(function))
      .Add("txid", JsonNumber(answer.txid.value()))
      .Add("fields", JsonArray(fields))
      .Add("rows", JsonArray(rows))
      .Done();
}

// A text of many lines; in JSON, one object that holds it under `name`.
ExitCode Print(Console& console, std::string_view name, const StatusOr<std::string>& text) {
  if (!text.ok()) return Report(console, text.status());
  if (console.json()) {
    console.out << JsonObject().Add(name, JsonText(*text)).Done() << '\n';
    return ExitCode::kOk;
  }
  console.out << *text;
  if (!text->empty() && text->back() != '\n') console.out << '\n';
  return ExitCode::kOk;
}

ExitCode Confirm(Console& console, const Status& status, std::string_view done) {
  if (status.ok()) {
    if (console.json()) {
      console.out << JsonObject().Add("topology", JsonText(done)).Done() << '\n';
    } else {
      console.out << done << '\n';
    }
  }
  return Report(console, status);
}

}  // namespace

ExitCode CallDrpc(Client& client, const std::string& function, const std::string& args,
                  Console& console) {
  const StatusOr<DrpcAnswer> answer = client.Drpc(function, args);
  if (!answer.ok()) return Report(console, answer.status());
  if (console.json()) {
    console.out << AnswerJson(function, *answer) << '\n';
    return ExitCode::kOk;
  }
  std::vector<std::vector<std::string>> table(1);
  for (const std::string& field : *answer->fields) table[0].push_back(OneLine(field));
  for (const std::vector<Datum>& row : answer->rows) {
    std::vector<std::string>& line = table.emplace_back();
    for (const Datum& value : row) line.push_back(OneLine(value));
  }
  console.out << TableText(table);
  console.err << "(" << RowsText(answer->rows.size()) << " at txid " << answer->txid.value()
              << ")\n";
  return ExitCode::kOk;
}

ExitCode ListDrpc(Client& client, Console& console) {
  const StatusOr<std::vector<DrpcFunctionStatus>> functions = client.Functions();
  if (!functions.ok()) return Report(console, functions.status());
  std::vector<std::vector<std::string>> table = {
      {"FUNCTION", "WAITING", "ANSWERED", "REFUSED", "EXPIRED"}};
  for (const DrpcFunctionStatus& function : *functions) {
    const auto waiting = static_cast<uint64_t>(function.waiting);
    if (console.json()) {
      console.out << JsonObject()
                         .Add("function", JsonText(function.name))
                         .Add("waiting", JsonNumber(waiting))
                         .Add("answered", JsonNumber(function.answered))
                         .Add("refused", JsonNumber(function.refused))
                         .Add("expired", JsonNumber(function.expired))
                         .Done()
                  << '\n';
    }
    table.push_back({OneLine(function.name), std::to_string(waiting),
                     std::to_string(function.answered), std::to_string(function.refused),
                     std::to_string(function.expired)});
  }
  if (!console.json()) console.out << TableText(table);
  return ExitCode::kOk;
}

ExitCode ShowBatches(Client& client, Console& console) {
  const StatusOr<TopologyView> view = client.Batches();
  if (!view.ok()) return Report(console, view.status());
  if (console.json()) {
    std::vector<std::string> groups;
    for (const BatchGroupView& group : view->groups) groups.push_back(GroupJson(group));
    console.out << JsonObject()
                       .Add("topology", JsonText(view->name))
                       .Add("epoch", JsonNumber(view->epoch.value()))
                       .Add("groups", JsonArray(groups))
                       .Done()
                << '\n';
    return ExitCode::kOk;
  }
  console.out << "topology " << OneLine(view->name) << ", epoch " << view->epoch.value() << '\n';
  for (const BatchGroupView& group : view->groups) PrintGroup(console.out << '\n', group);
  return ExitCode::kOk;
}

ExitCode ShowWorkers(Client& client, Console& console) {
  const StatusOr<std::vector<WorkerView>> workers = client.Workers();
  if (!workers.ok()) return Report(console, workers.status());
  const std::map<std::string, TxId> newest = NewestOf(*workers);
  std::vector<std::vector<std::string>> table = {
      {"WORKER", "AT", "EPOCH", "TASKS", "STATES", "BEHIND", "ROWS/S", "MEMORY", "UP"}};
  std::string away;
  for (const WorkerView& worker : *workers) {
    if (console.json()) console.out << WorkerJson(worker, newest) << '\n';
    const std::string name = Concat(worker.worker.value(), worker.leads ? " leads" : "");
    if (!worker.away.ok()) {
      table.push_back({name, AddressOf(worker), "away"});
      away += Concat("worker ", worker.worker.value(), ": ", OneLine(Message(worker.away)), "\n");
      continue;
    }
    table.push_back({name, AddressOf(worker), std::to_string(worker.epoch.value()),
                     std::to_string(worker.tasks), StatesOf(worker),
                     std::to_string(BehindOf(worker, newest)),
                     std::to_string(worker.rows_per_second),
                     Concat(worker.memory_bytes / (1024 * 1024), " MiB"), AgeText(worker.uptime)});
  }
  if (!console.json()) console.out << TableText(table) << away;
  return ExitCode::kOk;
}

ExitCode ShowPlan(Client& client, ExplainFormat format, Console& console) {
  return Print(console, format == ExplainFormat::kDot ? "dot" : "plan", client.Explain(format));
}

ExitCode ShowMetrics(Client& client, Console& console) {
  return Print(console, "metrics", client.Metrics());
}

ExitCode ShowVersion(Client& client, Console& console) {
  const StatusOr<Client::Version> remote = client.GetVersion();
  if (console.json()) {
    JsonObject object;
    object.Add("version", JsonText(kVersion));
    if (remote.ok()) {
      object.Add("topology", JsonText(remote->topology))
          .Add("topology_version", JsonText(remote->release));
    }
    console.out << object.Done() << '\n';
    return ExitCode::kOk;
  }
  console.out << "trident " << kVersion << '\n';
  if (remote.ok()) {
    console.out << "topology " << OneLine(remote->topology) << " at " << client.address() << ": "
                << OneLine(remote->release) << '\n';
  } else {
    console.err << "(no topology answers at " << client.address() << ")\n";
  }
  return ExitCode::kOk;
}

ExitCode Pause(Client& client, Console& console) {
  return Confirm(console, client.Pause(), "paused");
}

ExitCode Resume(Client& client, Console& console) {
  return Confirm(console, client.Resume(), "resumed");
}

}  // namespace trident
