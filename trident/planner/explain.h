// SPDX-License-Identifier: Apache-2.0
//
// Explain: the plan for people, in their own names; the same plan always gives the same text.
#ifndef TRIDENT_TRIDENT_PLANNER_EXPLAIN_H_
#define TRIDENT_TRIDENT_PLANNER_EXPLAIN_H_

#include <string>

#include "trident/planner/planner.h"

namespace trident {

std::string ExplainText(const Plan& plan);
// The same, but for where spouts read: equal in processes that can run the plan together, one of
// which may find the input at another path.
std::string ExplainShape(const Plan& plan);
// A digraph: a box per stage, an arrow per exchange.
std::string ExplainGraphviz(const Plan& plan);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_PLANNER_EXPLAIN_H_
