// SPDX-License-Identifier: Apache-2.0
//
// A base that is folded into again and again, with views of it as it was: each key is read in the
// base that it is asked for, by MultiGet or by a walk.
#include "state/map/base_reader.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/status.h"
#include "state/disk/memory_store.h"
#include "tests/state/seeds.h"

namespace trident {
namespace {

using Content = std::map<std::string, std::string>;

class BaseHistory {
 public:
  BaseHistory() : reader_(ContextOf(1)) {
    // The neighbours have the same keys.
    Load(BaseReader(ContextOf(0)), {{"k1", "another's"}});
    Load(BaseReader(ContextOf(2)), {{"k1", "another's"}});
  }

  void Fold(Rng& rng) {
    views_.push_back({store_.NewBaseView(), now_});
    Content changes;
    for (int i = 0; i < 100; ++i) changes[Concat("k", rng.Below(300))] = Concat("v", rng());
    Load(reader_, changes);
    for (const auto& [key, value] : changes) now_[key] = value;
  }

  void Read(Rng& rng, uint64_t keys, uint64_t base_keys) {
    std::vector<std::string> names;
    std::vector<BaseRef> bases;
    std::vector<std::optional<std::string>> expected, read(keys);
    const bool present_only = rng.Chance(0.2);
    for (uint64_t i = 0; i < keys; ++i) {
      names.push_back(Concat("k", rng.Below(400)));
      const size_t which = present_only ? views_.size() : rng.Below(views_.size() + 1);
      const Content& content = which < views_.size() ? views_[which].content : now_;
      const auto found = content.find(names.back());
      expected.push_back(found == content.end() ? std::nullopt : std::optional(found->second));
      if (!present_only) bases.push_back(which < views_.size() ? views_[which].view : nullptr);
    }
    const std::vector<std::string_view> wanted(names.begin(), names.end());
    const Status status =
        reader_.ReadEach(wanted, bases, base_keys, [&](size_t i, std::string_view value) {
          EXPECT_FALSE(read[i].has_value()) << "each once";
          read[i] = std::string(value);
        });
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_EQ(read, expected);
  }

 private:
  PartitionContext ContextOf(uint32_t partition) const {
    return {.state = StateId(3),
            .partition = PartitionId(partition),
            .durable = &store_,
            .timeline = nullptr,
            .budget = nullptr};
  }
  void Load(const BaseReader& partition, const Content& rows) {
    auto load = store_.NewBulkLoad(Table::kBase);
    ASSERT_TRUE(load.ok());
    for (const auto& [key, value] : rows) {
      ASSERT_TRUE((*load)->Put(partition.StoredKey(key), value).ok());
    }
    ASSERT_TRUE((*load)->Install().ok());
  }

  struct Earlier {
    BaseRef view;
    Content content;
  };
  MemoryStore store_;
  BaseReader reader_;
  std::vector<Earlier> views_;
  Content now_;
};

TEST(BaseReaderTest, EachKeyIsReadInItsOwnBase) {
  for (const uint64_t seed : TestSeeds(20, 10)) {
    SCOPED_TRACE(Repro("BaseReaderTest.EachKeyIsReadInItsOwnBase", seed));
    Rng rng(seed);
    BaseHistory history;
    for (int fold = 0; fold < 3; ++fold) {
      history.Fold(rng);
      for (const uint64_t keys : {0, 1, 20, 500}) {
        ASSERT_NO_FATAL_FAILURE(history.Read(rng, keys, /*base_keys=*/300));
        ASSERT_NO_FATAL_FAILURE(history.Read(rng, keys, /*base_keys=*/1'000'000));
      }
    }
  }
}

}  // namespace
}  // namespace trident
