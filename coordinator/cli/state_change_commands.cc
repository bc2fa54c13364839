// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/cli/change_commands.h"
#include "coordinator/cli/directory/repartition.h"
#include "coordinator/cli/directory/state_changes.h"
#include "coordinator/cli/directory/state_size.h"
#include "coordinator/cli/directory_commands.h"
#include "coordinator/cli/json.h"
#include "state/disk/store_identity.h"

namespace trident {
namespace {

// What goes, and how much of it there is; not even damage keeps a state from being dropped.
struct Doomed {
  std::vector<StoredState> states;  // the named one first
  StatusOr<std::vector<StateSize>> sizes;
};

StatusOr<Doomed> LookAt(const std::string& dir, const std::string& state, Consent consent) {
  TRIDENT_ASSIGN_OR_RETURN(const auto store, OpenToLook(dir));
  TRIDENT_ASSIGN_OR_RETURN(const StoreIdentity identity, ReadIdentity(*store));
  Doomed doomed;
  TRIDENT_ASSIGN_OR_RETURN(doomed.states, StatesDroppedWith(identity, *store, state));
  if (consent == Consent::kNone) TRIDENT_RETURN_IF_ERROR(CheckHoldsNoLetters(state));
  std::vector<std::string> names;
  for (const StoredState& one : doomed.states) names.push_back(one.name);
  doomed.sizes = MeasureStates(*store, names);
  return doomed;
}

std::string Counted(uint64_t n, std::string_view one) {
  return Concat(n, " ", one, n == 1 ? "" : "s");
}

void Print(const Doomed& doomed, Consent consent, Console& console) {
  const bool goes = consent == Consent::kYes;
  for (size_t i = 0; i < doomed.states.size(); ++i) {
    const StoredState& state = doomed.states[i];
    const StateSize* const size = doomed.sizes.ok() ? &doomed.sizes->at(i) : nullptr;
    if (console.json()) {
      JsonObject json;
      json.Add(goes ? "dropped" : "would_drop", JsonText(state.name));
      if (size != nullptr) {
        json.Add("keys", JsonNumber(size->keys)).Add("bytes", JsonNumber(size->bytes));
      }
      console.out << json.Done() << '\n';
      continue;
    }
    console.out << (goes ? "dropped the state " : "would drop the state ") << OneLine(state.name)
                << ": " << OneLine(ToString(state));
    if (size != nullptr) {
      console.out << "; " << Counted(size->keys, "key") << ", " << Counted(size->bytes, "byte");
    }
    console.out << '\n';
  }
  if (!doomed.sizes.ok()) {
    console.err << "(how much it holds is unknown: " << OneLine(Message(doomed.sizes.status()))
                << ")\n";
  }
}

Status Drop(const std::string& dir, const std::string& state, Consent consent, Console& console) {
  TRIDENT_ASSIGN_OR_RETURN(const Doomed doomed, LookAt(dir, state, consent));
  if (consent == Consent::kYes) {
    TRIDENT_ASSIGN_OR_RETURN(const auto store, OpenToChange(dir));
    TRIDENT_RETURN_IF_ERROR(DropStateOf(*store, state).status());
  }
  Print(doomed, consent, console);
  if (consent == Consent::kYes) return {};
  return InvalidArgument("nothing was changed; it goes for good. Add --yes to do it");
}

StatusOr<StoredState> Rename(const std::string& dir, const std::string& state,
                             const std::string& to) {
  TRIDENT_ASSIGN_OR_RETURN(const auto store, OpenToChange(dir));
  return RenameStateOf(*store, state, to);
}

// Afterwards all of the directory is read and compared, as `trident state verify` does.
StatusOr<Repartitioned> Repartition(const std::string& dir, const std::string& state,
                                    uint64_t partitions) {
  const auto wanted = static_cast<uint32_t>(std::min<uint64_t>(partitions, UINT32_MAX));
  Repartitioned done;
  {
    TRIDENT_ASSIGN_OR_RETURN(const auto store, OpenToChange(dir));
    TRIDENT_ASSIGN_OR_RETURN(done, RepartitionStateOf(*store, state, wanted));
  }
  TRIDENT_RETURN_IF_ERROR(CutOfWhole(dir).status());
  return done;
}

}  // namespace

ExitCode DropStateIn(const std::string& dir, const std::string& state, Consent consent,
                     Console& console) {
  return ReportDirectory(console, Drop(dir, state, consent, console));
}

ExitCode RenameStateIn(const std::string& dir, const std::string& state, const std::string& to,
                       Console& console) {
  const StatusOr<StoredState> was = Rename(dir, state, to);
  if (!was.ok()) return ReportDirectory(console, was.status());
  if (console.json()) {
    console.out << JsonObject().Add("state", JsonText(was->name)).Add("name", JsonText(to)).Done()
                << '\n';
  } else {
    console.out << "the state " << OneLine(was->name) << " has the name " << OneLine(to)
                << " now\n";
  }
  return ExitCode::kOk;
}

ExitCode RepartitionStateIn(const std::string& dir, const std::string& state, uint64_t partitions,
                            Console& console) {
  const StatusOr<Repartitioned> done = Repartition(dir, state, partitions);
  if (!done.ok()) return ReportDirectory(console, done.status());
  const std::string& name = done->was.name;
  const bool changed = done->was.partitions != partitions;
  if (console.json()) {
    console.out << JsonObject()
                       .Add("state", JsonText(name))
                       .Add("partitions", JsonNumber(partitions))
                       .Add("before", JsonNumber(done->was.partitions))
                       .Add("rows", JsonNumber(done->rows))
                       .Done()
                << '\n';
  } else if (changed) {
    console.out << "the state " << OneLine(name) << " has its " << done->rows << " rows in "
                << partitions << " partitions now, before in " << done->was.partitions << '\n';
  } else {
    console.out << "the state " << OneLine(name) << " has " << partitions
                << " partitions already; nothing was changed\n";
  }
  return ExitCode::kOk;
}

}  // namespace trident
