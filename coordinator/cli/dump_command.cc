// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/key_encoding.h"
#include "coordinator/cli/directory/decided_txids.h"
#include "coordinator/cli/directory/partition_markers.h"
#include "coordinator/cli/directory/redo_changes.h"
#include "coordinator/cli/directory/resting_directory.h"
#include "coordinator/cli/directory/state_rows.h"
#include "coordinator/cli/directory_commands.h"
#include "coordinator/cli/json.h"

namespace trident {
namespace {

// A value of a user type says so: `money(0a05)`.
std::string ValueText(const Datum& value) {
  if (const auto* user = std::get_if<Datum::User>(&value.value)) {
    return Concat(user->type_name, "(", ToString(value), ")");
  }
  const auto* list = std::get_if<std::vector<Datum>>(&value.value);
  if (list == nullptr) return ToString(value);
  std::string out = "[";
  for (const Datum& element : *list) out += (out.size() > 1 ? ", " : "") + ValueText(element);
  return out + "]";
}

StatusOr<RestingRow> DecodeRow(const RestingState& state, const std::string& key,
                               const StoredValue& value) {
  const auto annotated = [&](const Status& error) {
    return Annotate(error, Concat("state ", state.name(), ", key ", state.KeyText(key)));
  };
  RestingRow row{.state = state.name(), .key = {}, .value = std::nullopt, .deltas = {}};
  StatusOr<std::vector<Datum>> fields = state.DecodeKey(key);
  if (!fields.ok()) return annotated(fields.status());
  row.key = *std::move(fields);
  std::vector<std::string> encoded = value.deltas;
  if (value.value) encoded.insert(encoded.begin(), *value.value);
  for (const std::string& bytes : encoded) {
    StatusOr<Datum> datum = state.value_type().DecodeAll(bytes);
    if (!datum.ok()) return annotated(datum.status());
    if (value.value && !row.value) {
      row.value = *std::move(datum);
    } else {
      row.deltas.push_back(*std::move(datum));
    }
  }
  return row;
}

using OnRow = std::function<Status(const RestingRow&)>;
// Of a row that is no row of its state.
using OnBadRow = std::function<Status(const Status& why)>;

// The rows of all partitions of a state, in key order.
struct RowCalls {
  OnRow row;
  OnBadRow bad = [](const Status& why) { return why; };
};
Status MergeRows(const DecidedState& from, const RestingState& state, const RedoChanges& redo,
                 const RowCalls& calls) {
  StateRows rows({.directory = from.directory,
                  .state = state,
                  .redo = redo,
                  .first = PartitionId(0),
                  .end = PartitionId(state.stored().partitions)});
  for (; rows.Valid(); rows.Next()) {
    const StatusOr<RestingRow> row = DecodeRow(state, rows.key(), rows.value());
    TRIDENT_RETURN_IF_ERROR(row.ok() ? calls.row(*row) : calls.bad(row.status()));
  }
  return rows.status();
}

enum class Shown : uint8_t { kOneState, kEveryState };

class StateDump {
 public:
  StateDump(Shown shown, Console& console) : shown_(shown), console_(&console) {}

  void Print(const RestingRow& row);
  void PrintBad(const Status& why);
  void PrintSummary(const RestingState& state, TxId txid) const;

 private:
  Shown shown_;
  Console* console_;
  uint64_t rows_ = 0;
  uint64_t open_ = 0;  // with deltas that only the topology can combine
  uint64_t bad_ = 0;   // beside rows_
};

void StateDump::Print(const RestingRow& row) {
  ++rows_;
  if (!row.deltas.empty()) ++open_;
  if (console_->json()) {
    JsonObject json;
    json.Add("state", JsonText(row.state)).Add("key", JsonOf(row.key));
    if (row.value) json.Add("value", JsonOf(*row.value));
    if (!row.deltas.empty()) json.Add("deltas", JsonOf(row.deltas));
    console_->out << json.Done() << '\n';
    return;
  }
  if (shown_ == Shown::kEveryState) console_->out << OneLine(row.state) << '\t';
  for (const Datum& field : row.key) console_->out << OneLine(field) << '\t';
  if (row.value) console_->out << OneLine(ValueText(*row.value));
  for (const Datum& delta : row.deltas) console_->out << " <+ " << OneLine(ValueText(delta));
  console_->out << '\n';
}

void StateDump::PrintBad(const Status& why) {
  ++bad_;
  Report(*console_, why);
}

void StateDump::PrintSummary(const RestingState& state, TxId txid) const {
  console_->err << "(state " << OneLine(state.name()) << ": " << rows_
                << (rows_ == 1 ? " row" : " rows") << " at txid " << txid.value();
  if (open_ > 0) {
    console_->err << "; " << open_ << " of them with deltas that only the topology can combine";
  }
  if (bad_ > 0) console_->err << "; " << bad_ << " more that cannot be read, see above";
  console_->err << ")\n";
}

// What is done with the states of a directory.
struct Reading {
  std::function<bool(const RestingState&)> wanted;
  RowCalls calls;
  std::function<void(const RestingState&, TxId)> end = [](const RestingState&, TxId) {};
};

Status ReadStates(const RestingDirectory& directory, const Reading& reading) {
  Findings findings;
  const DecidedTxIds decided(directory, findings);
  const PartitionMarkers markers(directory, decided, findings);
  const DecidedState from{directory, decided, markers};
  for (const auto& [id, state] : directory.states()) {
    if (!reading.wanted(state)) continue;
    const RedoChanges redo(from, {.which = RedoChanges::Keep::Which::kWaiting, .only = &state},
                           findings);
    TRIDENT_RETURN_IF_ERROR(findings.ToStatus());
    TRIDENT_RETURN_IF_ERROR(MergeRows(from, state, redo, reading.calls));
    reading.end(state, decided.LastDecided(state.stored().group));
  }
  return {};
}

StatusOr<std::unique_ptr<RestingDirectory>> OpenAtRest(const std::string& dir,
                                                       std::string_view while_it_runs) {
  TRIDENT_ASSIGN_OR_RETURN(auto files, RestingDirectory::OpenFiles(dir, while_it_runs));
  return RestingDirectory::Read(std::move(files));
}

// How many keys cannot be read; they were named.
StatusOr<uint64_t> Dump(const std::string& dir, const std::string& name, Console& console) {
  TRIDENT_ASSIGN_OR_RETURN(const auto directory, OpenAtRest(dir, kAskWhatItHolds));
  if (!name.empty()) TRIDENT_RETURN_IF_ERROR(directory->FindState(name).status());
  const Shown shown = name.empty() ? Shown::kEveryState : Shown::kOneState;
  StateDump dump(shown, console);
  uint64_t bad = 0;
  TRIDENT_RETURN_IF_ERROR(ReadStates(
      *directory,
      {.wanted = [&](const RestingState& state) { return name.empty() || state.name() == name; },
       .calls = {.row =
                     [&](const RestingRow& row) {
                       dump.Print(row);
                       return Status();
                     },
                 .bad =
                     [&](const Status& why) {
                       dump.PrintBad(why);
                       ++bad;
                       return Status();
                     }},
       .end =
           [&](const RestingState& state, TxId txid) {
             dump.PrintSummary(state, txid);
             dump = StateDump(shown, console);
           }}));
  return bad;
}

}  // namespace

Status ReadRows(const std::string& dir, std::string_view while_it_runs,
                const std::function<bool(const std::string& state)>& wanted,
                const std::function<Status(const RestingRow&)>& row) {
  TRIDENT_ASSIGN_OR_RETURN(const auto directory, OpenAtRest(dir, while_it_runs));
  return ReadStates(*directory,
                    {.wanted = [&](const RestingState& state) { return wanted(state.name()); },
                     .calls = {.row = row}});
}

ExitCode DumpDirectory(const std::string& dir, const std::string& state, Console& console) {
  const StatusOr<uint64_t> bad = Dump(dir, state, console);
  if (!bad.ok()) return ReportDirectory(console, bad.status());
  return *bad > 0 ? ExitCode::kDamaged : ExitCode::kOk;
}

}  // namespace trident
