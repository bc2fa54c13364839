// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/cli/directory/base_check.h"
#include "coordinator/cli/directory/decided_txids.h"
#include "coordinator/cli/directory/findings.h"
#include "coordinator/cli/directory/partition_markers.h"
#include "coordinator/cli/directory/redo_changes.h"
#include "coordinator/cli/directory/resting_directory.h"
#include "coordinator/cli/directory_commands.h"
#include "coordinator/cli/json.h"

namespace trident {
namespace {

struct FileCount {
  uint64_t files = 0;
  uint64_t bytes = 0;
};

FileCount CheckFiles(const RocksStore& store, Findings& findings) {
  FileCount count;
  for (const RocksStore::CheckedFile& file : store.CheckFiles()) {
    ++count.files;
    count.bytes += file.bytes;
    findings.Add("table file", file.status);
  }
  return count;
}

// All that was looked at, for the two ways to print it.
class Verification {
 public:
  Verification(const RestingDirectory& directory, const FileCount& files, Findings& findings)
      : directory_(directory),
        files_(files),
        decided_(directory, findings),
        markers_(directory, decided_, findings),
        redo_({directory, decided_, markers_}, {.which = RedoChanges::Keep::Which::kAll}, findings),
        keys_(CheckBase({directory, decided_, markers_}, redo_, findings)) {}

  const DecidedTxIds& decided() const { return decided_; }

  void PrintText(std::ostream& out) const;
  void AddTo(JsonObject& json) const;

 private:
  RedoChanges::Group RedoOf(GroupId group) const {
    const auto found = redo_.groups().find(group);
    return found == redo_.groups().end() ? RedoChanges::Group() : found->second;
  }
  std::string GroupText(GroupId id, const DecidedTxIds::Group& group) const;
  std::string GroupJson(GroupId id, const DecidedTxIds::Group& group) const;
  std::string StateText(const RestingState& state) const;
  std::string StateJson(const RestingState& state) const;

  const RestingDirectory& directory_;
  const FileCount files_;
  const DecidedTxIds decided_;
  const PartitionMarkers markers_;
  const RedoChanges redo_;
  const std::map<StateId, uint64_t> keys_;
};

std::string Counted(uint64_t n, std::string_view one, std::string_view many) {
  return Concat(n, " ", n == 1 ? one : many);
}

std::string Verification::GroupText(GroupId id, const DecidedTxIds::Group& group) const {
  const RedoChanges::Group redo = RedoOf(id);
  std::string out =
      Concat("group ", id.value(), ": decided up to txid ", group.last.value(), "; decisions of ",
             Counted(group.attempts.size(), "txid", "txids"), " since ", group.first.value(),
             ", redo of ", redo.records, " (", redo.bytes, " bytes), of which ", redo.waiting,
             " would be applied again");
  if (redo.undecided > 0) out += Concat("; redo of ", redo.undecided, " that were not decided");
  return out;
}

std::string Verification::GroupJson(GroupId id, const DecidedTxIds::Group& group) const {
  const RedoChanges::Group redo = RedoOf(id);
  return JsonObject()
      .Add("group", JsonNumber(id.value()))
      .Add("decided", JsonNumber(group.last.value()))
      .Add("first_decision", JsonNumber(group.first.value()))
      .Add("decisions", JsonNumber(group.attempts.size()))
      .Add("rows", JsonNumber(group.rows))
      .Add("redo_records", JsonNumber(redo.records))
      .Add("redo_bytes", JsonNumber(redo.bytes))
      .Add("redo_waiting", JsonNumber(redo.waiting))
      .Add("redo_undecided", JsonNumber(redo.undecided))
      .Done();
}

std::string Verification::StateText(const RestingState& state) const {
  const PartitionMarkers::Span span = markers_.Of(state.stored());
  std::string to = ToString(span.least);
  if (span.greatest != span.least) to += Concat(" to ", span.greatest.value());
  return Concat("state ", state.name(), ": ", ToString(state.stored()), "; ",
                Counted(keys_.at(state.stored().id), "key", "keys"), " in the base, at txid ", to);
}

std::string Verification::StateJson(const RestingState& state) const {
  const StoredState& stored = state.stored();
  const PartitionMarkers::Span span = markers_.Of(stored);
  std::vector<std::string> key;
  for (const StoredState::KeyPart& part : stored.key) {
    key.push_back(
        JsonObject()
            .Add("name", JsonText(part.name))
            .Add("type", JsonText(part.type))
            .Add("nullable", part.nullability == Nullability::kNullable ? "true" : "false")
            .Done());
  }
  return JsonObject()
      .Add("name", JsonText(stored.name))
      .Add("kind", JsonText(ToString(stored.kind)))
      .Add("key", JsonArray(key))
      .Add("value_type", JsonText(stored.value_type))
      .Add("combiner", JsonText(stored.combiner))
      .Add("partitions", JsonNumber(stored.partitions))
      .Add("group", JsonNumber(stored.group.value()))
      .Add("base_keys", JsonNumber(keys_.at(stored.id)))
      .Add("base_txid_least", JsonNumber(span.least.value()))
      .Add("base_txid_greatest", JsonNumber(span.greatest.value()))
      .Done();
}

void Verification::PrintText(std::ostream& out) const {
  const std::string owner = directory_.identity().owner ? Concat("topology ", directory_.topology())
                                                        : std::string("of no topology yet");
  out << OneLine(owner) << ", format " << kStoreFormat << ", epoch "
      << directory_.identity().epoch.value() << '\n'
      << Counted(files_.files, "table file", "table files") << ", " << files_.bytes << " bytes\n";
  for (const auto& [id, group] : decided_.groups()) out << GroupText(id, group) << '\n';
  for (const auto& [id, state] : directory_.states()) out << OneLine(StateText(state)) << '\n';
}

void Verification::AddTo(JsonObject& json) const {
  std::vector<std::string> groups, states;
  for (const auto& [id, group] : decided_.groups()) groups.push_back(GroupJson(id, group));
  for (const auto& [id, state] : directory_.states()) states.push_back(StateJson(state));
  json.Add("topology", JsonText(directory_.topology()))
      .Add("format", JsonNumber(kStoreFormat))
      .Add("epoch", JsonNumber(directory_.identity().epoch.value()))
      .Add("table_files", JsonNumber(files_.files))
      .Add("table_bytes", JsonNumber(files_.bytes))
      .Add("groups", JsonArray(groups))
      .Add("states", JsonArray(states));
}

void PrintDamage(std::ostream& out, const Findings& findings) {
  for (const std::string& damage : findings.damage()) out << "damaged: " << OneLine(damage) << '\n';
  const uint64_t more = findings.damage_count() - findings.damage().size();
  if (more > 0) out << "(" << more << " more are damaged)\n";
}

void AddDamage(JsonObject& json, const Findings& findings) {
  std::vector<std::string> damage;
  for (const std::string& found : findings.damage()) damage.push_back(JsonText(found));
  json.Add("damage_count", JsonNumber(findings.damage_count())).Add("damage", JsonArray(damage));
}

// `seen` is null when the directory could not even be opened.
ExitCode Conclude(const std::string& dir, const Verification* seen, const Findings& findings,
                  Console& console) {
  if (console.json()) {
    JsonObject json;
    json.Add("directory", JsonText(dir));
    if (seen != nullptr) seen->AddTo(json);
    AddDamage(json, findings);
    console.out << json.Done() << '\n';
  } else {
    if (seen != nullptr) seen->PrintText(console.out);
    PrintDamage(console.out, findings);
    if (findings.clean()) console.out << "no damage found\n";
  }
  if (findings.damage_count() > 0) {
    return Report(console, DataLoss(dir, " is damaged in ",
                                    Counted(findings.damage_count(), "place", "places"),
                                    ": restore it from a backup, whole"));
  }
  return ReportDirectory(console, findings.obstacle());
}

}  // namespace

ExitCode VerifyDirectory(const std::string& dir, Console& console) {
  Findings findings;
  StatusOr<std::unique_ptr<RocksStore>> files = RestingDirectory::OpenFiles(dir, kAskWhatItHolds);
  if (!files.ok()) {
    findings.Add("directory", files.status());
    if (findings.damage_count() == 0) return ReportDirectory(console, files.status());
    return Conclude(dir, nullptr, findings, console);
  }
  const FileCount count = CheckFiles(**files, findings);
  const auto directory = RestingDirectory::Read(*std::move(files));
  if (!directory.ok()) {
    findings.Add("directory", directory.status());
    return Conclude(dir, nullptr, findings, console);
  }
  const Verification seen(**directory, count, findings);
  return Conclude(dir, &seen, findings, console);
}

StatusOr<std::map<GroupId, TxId>> CutOfWhole(const std::string& dir) {
  Findings findings;
  TRIDENT_ASSIGN_OR_RETURN(std::unique_ptr<RocksStore> files,
                           RestingDirectory::OpenFiles(dir, kAskWhatItHolds));
  const FileCount count = CheckFiles(*files, findings);
  TRIDENT_ASSIGN_OR_RETURN(const auto directory, RestingDirectory::Read(std::move(files)));
  const Verification seen(*directory, count, findings);
  TRIDENT_RETURN_IF_ERROR(findings.ToStatus());
  std::map<GroupId, TxId> cut;
  for (const auto& [id, group] : seen.decided().groups()) cut[id] = group.last;
  return cut;
}

ExitCode ReportDirectory(Console& console, const Status& status) {
  const ExitCode code = Report(console, status);
  return code == ExitCode::kUnreachable ? ExitCode::kFailed : code;
}

}  // namespace trident
