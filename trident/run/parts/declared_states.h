// SPDX-License-Identifier: Apache-2.0
//
// The states that a start of a plan has, declared in a store: by the start itself, and by who wants
// to know what it would say.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_DECLARED_STATES_H_
#define TRIDENT_TRIDENT_RUN_PARTS_DECLARED_STATES_H_

#include <functional>
#include <string>

#include "base/status.h"
#include "state/disk/durable_store.h"
#include "state/state_store.h"
#include "trident/planner/planner.h"
#include "trident/run/parts/run_options.h"

namespace trident {

struct StatesToDeclare {
  const Plan& plan;
  const RunOptions& options;
  const DurableStore& store;
  StateStore& states;  // over `store`
};
// Gets what came of each state of the store; an error that it returns ends the declaring.
using OnDeclared = std::function<Status(const std::string& state, const Status& outcome)>;

// Declares the plan's states, and dead letters of each group: those of the plan, which are returned
// if rows that fail go there, and those that the store has beside them.
StatusOr<DeadLetterStates> DeclareStates(const StatesToDeclare& what, const OnDeclared& declared);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_DECLARED_STATES_H_
