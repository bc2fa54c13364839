// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "coordinator/cli/change_commands.h"
#include "coordinator/cli/directory/state_changes.h"
#include "coordinator/cli/directory_commands.h"
#include "coordinator/cli/json.h"
#include "state/disk/store_identity.h"

namespace trident {
namespace {

StatusOr<StoredState> Drop(const std::string& dir, const std::string& state) {
  TRIDENT_ASSIGN_OR_RETURN(const auto store, OpenToChange(dir));
  return DropStateOf(*store, state);
}

StatusOr<StoredState> Rename(const std::string& dir, const std::string& state,
                             const std::string& to) {
  TRIDENT_ASSIGN_OR_RETURN(const auto store, OpenToChange(dir));
  return RenameStateOf(*store, state, to);
}

}  // namespace

ExitCode DropStateIn(const std::string& dir, const std::string& state, Console& console) {
  const StatusOr<StoredState> was = Drop(dir, state);
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

}  // namespace trident
