// SPDX-License-Identifier: Apache-2.0
//
// Whatever a program says with the calls of trident/, it gets an error that says something, or a
// plan that keeps the rules of plan_rules.h; and the same program gets the same.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "tests/fuzz/plan_rules.h"
#include "tests/fuzz/plan_topology.h"

namespace trident {
namespace {

// All that a program can see of the plan, or the error.
std::string Planned(const Topology& topology, uint32_t executors) {
  const auto text = topology.Explain();
  const auto dot = topology.ExplainDot();
  TRIDENT_CHECK(text.status() == dot.status());
  const auto logical = topology.Build();
  if (!logical.ok()) {
    TRIDENT_CHECK(text.status() == logical.status());
    TRIDENT_CHECK(!Message(logical.status()).empty());
    return logical.status().ToString();
  }
  const auto plan = MakePlan(*logical, {.executors = executors});
  if (!plan.ok()) {
    TRIDENT_CHECK(!Message(plan.status()).empty());
    return plan.status().ToString();
  }
  CheckPlan(*plan);
  if (!text.ok()) return text.status().ToString();  // tasks that fit only with more executors
  CheckExplained(*plan, *text, *dot);
  return *text + *dot;
}

void Run(std::string_view input) {
  const PlanTopology made(input);
  const PlanTopology again(input);
  for (size_t i = 0; i < made.topologies().size(); ++i) {
    const std::string first = Planned(made.topologies()[i], made.executors());
    TRIDENT_CHECK_EQ(first, Planned(made.topologies()[i], made.executors()));
    TRIDENT_CHECK_EQ(first, Planned(again.topologies()[i], again.executors()));
  }
}

}  // namespace
}  // namespace trident

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  trident::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
