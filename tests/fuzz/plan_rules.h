// SPDX-License-Identifier: Apache-2.0
//
// What holds for every plan, whatever the topology, and for what Explain says of it. Found out from
// the logical plan anew, not by the planner's own means.
#ifndef TRIDENT_TESTS_FUZZ_PLAN_RULES_H_
#define TRIDENT_TESTS_FUZZ_PLAN_RULES_H_

#include <string>

#include "trident/planner/planner.h"

namespace trident {

// Ends the process at the first rule that does not hold.
void CheckPlan(const Plan& plan);
// Does each text show every step of the program under its name? Is `dot` one graph?
void CheckExplained(const Plan& plan, const std::string& text, const std::string& dot);

}  // namespace trident

#endif  // TRIDENT_TESTS_FUZZ_PLAN_RULES_H_
