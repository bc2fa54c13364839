// SPDX-License-Identifier: Apache-2.0
//
// The example of README.md and trident/README.md, "Let keys expire", with the headers that they
// name and no others of ours.
#include <gtest/gtest.h>

#include "base/clock.h"  // kSecond
#include "trident/run/program.h"
#include "trident/spouts/fixed_batch_spout.h"
#include "trident/topology.h"

namespace {

constexpr trident::Field<trident::Text> kUser{"user"};
constexpr trident::Field<int64_t> kCount{"count"};

TEST(ExpiryExampleTest, ItCompilesAsItIsShown) {
  trident::Topology topology("visits");
  auto visits = topology.NewStream(
      "visits", trident::FixedBatchSpout::Make(trident::Fields(kUser), {.batch_rows = 1},
                                               std::vector<trident::OwnedRow<trident::Text>>{}));
  visits.GroupBy(kUser).PersistentAggregate(
      {.name = "visits", .expire_after = 24 * 3600 * trident::kSecond}, trident::Count(), kCount);
  EXPECT_TRUE(topology.Build().ok());
}

}  // namespace
