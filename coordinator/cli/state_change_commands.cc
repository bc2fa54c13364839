// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <memory>

#include "coordinator/cli/change_commands.h"
#include "coordinator/cli/directory/repartition.h"
#include "coordinator/cli/directory/state_changes.h"
#include "coordinator/cli/directory_commands.h"
#include "coordinator/cli/json.h"
#include "state/disk/store_identity.h"

namespace trident {
namespace {

StatusOr<StoredState> Drop(const std::string& dir, const std::string& state,
                           DeadLettersToo letters) {
  TRIDENT_ASSIGN_OR_RETURN(const auto store, OpenToChange(dir));
  return DropStateOf(*store, state, letters);
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

ExitCode DropStateIn(const std::string& dir, const std::string& state, DeadLettersToo letters,
                     Console& console) {
  const StatusOr<StoredState> was = Drop(dir, state, letters);
  if (!was.ok()) return ReportDirectory(console, was.status());
  if (console.json()) {
    console.out << JsonObject().Add("dropped", JsonText(was->name)).Done() << '\n';
  } else {
    console.out << "dropped the state " << OneLine(was->name) << ": " << OneLine(ToString(*was))
                << '\n';
  }
  return ExitCode::kOk;
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
