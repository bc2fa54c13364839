// SPDX-License-Identifier: Apache-2.0
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

// A row of a dump, with its types.
struct DumpedRow {
  std::vector<Datum> key;
  std::optional<Datum> value;
  std::vector<Datum> deltas;
};

StatusOr<DumpedRow> DecodeRow(const RestingState& state, const std::string& key,
                              const StoredValue& value) {
  const auto annotated = [&](const Status& error) {
    return Annotate(error, Concat("state ", state.name(), ", key ", state.KeyText(key)));
  };
  DumpedRow row;
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

enum class Shown : uint8_t { kOneState, kEveryState };

class StateDump {
 public:
  StateDump(Shown shown, Console& console) : shown_(shown), console_(console) {}

  // Prints the rows. On an error, those that were printed are not all.
  Status Print(const DecidedState& from, const RestingState& state, const RedoChanges& redo);
  void PrintSummary(const RestingState& state, TxId txid) const;

 private:
  Status PrintRow(const RestingState& state, const std::string& key, const StoredValue& value);

  const Shown shown_;
  Console& console_;
  uint64_t rows_ = 0;
  uint64_t open_ = 0;  // with deltas that only the topology can combine
};

Status StateDump::Print(const DecidedState& from, const RestingState& state,
                        const RedoChanges& redo) {
  StateRows rows({.directory = from.directory,
                  .state = state,
                  .redo = redo,
                  .first = PartitionId(0),
                  .end = PartitionId(state.stored().partitions)});
  for (; rows.Valid(); rows.Next()) {
    TRIDENT_RETURN_IF_ERROR(PrintRow(state, rows.key(), rows.value()));
  }
  return rows.status();
}

Status StateDump::PrintRow(const RestingState& state, const std::string& key,
                           const StoredValue& value) {
  TRIDENT_ASSIGN_OR_RETURN(const DumpedRow row, DecodeRow(state, key, value));
  ++rows_;
  if (!row.deltas.empty()) ++open_;
  if (console_.json()) {
    JsonObject json;
    json.Add("state", JsonText(state.name())).Add("key", JsonOf(row.key));
    if (row.value) json.Add("value", JsonOf(*row.value));
    if (!row.deltas.empty()) json.Add("deltas", JsonOf(row.deltas));
    console_.out << json.Done() << '\n';
    return {};
  }
  if (shown_ == Shown::kEveryState) console_.out << OneLine(state.name()) << '\t';
  for (const Datum& field : row.key) console_.out << OneLine(field) << '\t';
  if (row.value) console_.out << OneLine(ValueText(*row.value));
  for (const Datum& delta : row.deltas) console_.out << " <+ " << OneLine(ValueText(delta));
  console_.out << '\n';
  return {};
}

void StateDump::PrintSummary(const RestingState& state, TxId txid) const {
  console_.err << "(state " << OneLine(state.name()) << ": " << rows_
               << (rows_ == 1 ? " row" : " rows") << " at txid " << txid.value();
  if (open_ > 0) {
    console_.err << "; " << open_ << " of them with deltas that only the topology can combine";
  }
  console_.err << ")\n";
}

Status Dump(const std::string& dir, const std::string& name, Console& console) {
  TRIDENT_ASSIGN_OR_RETURN(auto files, RestingDirectory::OpenFiles(dir));
  TRIDENT_ASSIGN_OR_RETURN(const auto directory, RestingDirectory::Read(std::move(files)));
  const RestingState* only = nullptr;
  if (!name.empty()) {
    TRIDENT_ASSIGN_OR_RETURN(only, directory->FindState(name));
  }
  Findings findings;
  const DecidedTxIds decided(*directory, findings);
  const PartitionMarkers markers(*directory, decided, findings);
  const DecidedState from{*directory, decided, markers};
  for (const auto& [id, state] : directory->states()) {
    if (only != nullptr && only != &state) continue;
    const RedoChanges redo(from, {.which = RedoChanges::Keep::Which::kWaiting, .only = &state},
                           findings);
    TRIDENT_RETURN_IF_ERROR(findings.ToStatus());
    StateDump dump(only == nullptr ? Shown::kEveryState : Shown::kOneState, console);
    TRIDENT_RETURN_IF_ERROR(dump.Print(from, state, redo));
    dump.PrintSummary(state, decided.LastDecided(state.stored().group));
  }
  return {};
}

}  // namespace

ExitCode DumpDirectory(const std::string& dir, const std::string& state, Console& console) {
  return ReportDirectory(console, Dump(dir, state, console));
}

}  // namespace trident
