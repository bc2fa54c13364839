// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/declared_states.h"

#include <algorithm>
#include <memory>

#include "state/disk/store_identity.h"

namespace trident {
namespace {

// Dead letters of groups whose streams the topology does not have any more. Nobody declared them,
// so nobody can be asked to declare them again.
Status DeclareOrphanedLetters(const StatesToDeclare& what, const OnDeclared& declared) {
  TRIDENT_ASSIGN_OR_RETURN(const StoreIdentity identity, ReadIdentity(what.store));
  const std::vector<GroupId>& planned = what.plan.group_ids;
  for (const StoredState& state : identity.states) {
    if (std::find(planned.begin(), planned.end(), state.group) != planned.end()) continue;
    const DeadLetterState own = DeclareDeadLetters(state.group);
    if (what.options.drop_states.contains(state.name)) continue;
    for (StateDeclaration* one : {static_cast<StateDeclaration*>(own.letters.get()),
                                  static_cast<StateDeclaration*>(own.rows.get())}) {
      if (one->spec().name != state.name) continue;
      TRIDENT_RETURN_IF_ERROR(declared(state.name, one->OpenIn(what.states, state.group)));
    }
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<DeadLetterStates> DeclareStates(const StatesToDeclare& what, const OnDeclared& declared) {
  for (const LogicalNode& node : what.plan.logical->nodes()) {
    if (node.writes == nullptr) continue;
    const Status outcome = node.writes->OpenIn(what.states, what.plan.groups[node.id]);
    if (node.writes->user_defined()) {
      TRIDENT_RETURN_IF_ERROR(outcome);
    } else {
      TRIDENT_RETURN_IF_ERROR(declared(node.writes->spec().name, outcome));
    }
  }
  // The letters are always there, so that the policy may change from run to run. The rows kept for
  // them come with the first run that may put one aside.
  TRIDENT_ASSIGN_OR_RETURN(const StoreIdentity identity, ReadIdentity(what.store));
  const auto is_stored = [&](const std::string& name) {
    return std::any_of(identity.states.begin(), identity.states.end(),
                       [&](const StoredState& state) { return state.name == name; });
  };
  DeadLetterStates used;
  for (GroupId group : what.plan.group_ids) {
    const DeadLetterState letters = DeclareDeadLetters(group);
    TRIDENT_RETURN_IF_ERROR(
        declared(letters.letters->spec().name, letters.letters->OpenIn(what.states, group)));
    const bool puts_aside = what.options.on_failure == OnFailure::kDeadLetter;
    if (puts_aside || is_stored(letters.rows->spec().name)) {
      TRIDENT_RETURN_IF_ERROR(
          declared(letters.rows->spec().name, letters.rows->OpenIn(what.states, group)));
    }
    if (puts_aside) used[group] = letters;
  }
  TRIDENT_RETURN_IF_ERROR(DeclareOrphanedLetters(what, declared));
  return used;
}

}  // namespace trident
