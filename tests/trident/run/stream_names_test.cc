// SPDX-License-Identifier: Apache-2.0
//
// Streams and batch groups are known by name: another order, or a stream more, changes nothing of
// what was counted, and a name that was changed is refused with both names.
#include <functional>
#include <string>
#include <vector>

#include "state/disk/rocks_store.h"
#include "state/disk/store_layout.h"
#include "tests/support/temp_dir.h"
#include "tests/trident/run/words.h"

namespace trident {
namespace {

std::vector<std::string> Rows(const std::string& word, size_t n) {
  return std::vector<std::string>(n, word);
}

// Both sources name their one partition alike.
Stream Add(Topology& topology, const std::string& name, size_t rows) {
  return topology.NewStream(name, FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 100},
                                                        AsRows(Rows(name, rows))));
}
void Count(const Stream& stream, const std::string& state) {
  stream.GroupBy(kSentence).PersistentAggregate({.name = state, .partitions = 4}, trident::Count(),
                                                kCount);
}

class StreamNamesTest : public testing::Test {
 protected:
  using Build = std::function<void(Topology&)>;
  RunOptions Options() const {
    return {.state_dir = dir_.path() + "/state", .sync = CommitSync::kNone};
  }
  std::unique_ptr<trident::Run> Go(const Build& build) {
    Topology topology("names");
    build(topology);
    return RunToEnd(topology, Options());
  }
  void ExpectRefused(const Build& build, const std::vector<std::string>& parts) {
    Topology topology("names");
    build(topology);
    const Status refused = trident::Run::Start(topology, Options()).status();
    EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition) << refused;
    for (const std::string& part : parts) {
      EXPECT_NE(Message(refused).find(part), std::string_view::npos) << part << " in " << refused;
    }
  }
  // As a release of format 1 left it.
  void ForgetNames() {
    auto store = RocksStore::Open({.dir = Options().state_dir});
    ASSERT_TRUE(store.ok()) << store.status();
    WriteSet changes;
    for (const char* key : {"stream/a", "stream/b", "streams"}) changes.Delete(Table::kMeta, key);
    changes.Put(Table::kMeta, "format", Seal(1, std::string("\x01\0\0\0\0\0\0\0", 8)));
    ASSERT_TRUE((*store)->Write(changes, Durability::kSynced).ok());
  }

  TempDir dir_;
};

TEST_F(StreamNamesTest, MergedStreamsThatAreDeclaredInAnotherOrderCountOnce) {
  Go([](Topology& t) { Count(t.Merge({Add(t, "a", 1000), Add(t, "b", 10)}), "counts"); });
  auto run = Go([](Topology& t) {
    Stream b = Add(t, "b", 110);
    Count(t.Merge({Add(t, "a", 1100), b}), "counts");
  });
  EXPECT_EQ(LatestState(*run, "counts"), (WordCounts{{"a", 1100}, {"b", 110}}));
}

TEST_F(StreamNamesTest, AMergedStreamMoreInFrontCountsOnce) {
  Go([](Topology& t) { Count(t.Merge({Add(t, "a", 1000), Add(t, "b", 10)}), "counts"); });
  auto run = Go([](Topology& t) {
    Stream c = Add(t, "c", 7);
    Count(t.Merge({c, Add(t, "a", 1000), Add(t, "b", 20)}), "counts");
  });
  EXPECT_EQ(LatestState(*run, "counts"), (WordCounts{{"a", 1000}, {"b", 20}, {"c", 7}}));
}

TEST_F(StreamNamesTest, GroupsKeepTheirTxidsInAnotherOrderAndBehindANewOne) {
  Go([](Topology& t) {
    Count(Add(t, "a", 1000), "as");
    Count(Add(t, "b", 10), "bs");
  });
  auto run = Go([](Topology& t) {
    Count(Add(t, "c", 5), "cs");
    Count(Add(t, "b", 20), "bs");
    Count(Add(t, "a", 1100), "as");
  });
  EXPECT_EQ(LatestState(*run, "as", GroupId(1)), (WordCounts{{"a", 1100}}));
  EXPECT_EQ(LatestState(*run, "bs", GroupId(2)), (WordCounts{{"b", 20}}));
  EXPECT_EQ(LatestState(*run, "cs", GroupId(3)), (WordCounts{{"c", 5}}));
}

TEST_F(StreamNamesTest, ARenamedStreamIsRefusedWithBothNames) {
  Go([](Topology& t) { Count(Add(t, "a", 10), "counts"); });
  ExpectRefused([](Topology& t) { Count(Add(t, "b", 10), "counts"); }, {"'a'", "'b'"});
  auto run = Go([](Topology& t) { Count(Add(t, "a", 12), "counts"); });
  EXPECT_EQ(LatestState(*run, "counts"), (WordCounts{{"a", 12}}));
}

TEST_F(StreamNamesTest, AStreamThatIsTakenAwayComesBackWhereItStood) {
  const auto both = [](Topology& t) {
    Add(t, "b", 10).Peek(kSentence, [](Text) {});
    Count(Add(t, "a", 10), "counts");
  };
  Go(both);
  Go([](Topology& t) { Count(Add(t, "a", 12), "counts"); });
  auto run = Go(both);
  EXPECT_EQ(run->progress().at(0).rows, 0u) << "nothing of b is read again";
  EXPECT_EQ(LatestState(*run, "counts", GroupId(2)), (WordCounts{{"a", 12}}));
}

TEST_F(StreamNamesTest, GroupsThatAreJoinedOrPartedAreRefusedWithTheirNames) {
  Go([](Topology& t) {
    Count(Add(t, "a", 10), "as");
    Count(Add(t, "b", 10), "bs");
  });
  ExpectRefused(
      [](Topology& t) {
        Stream a = Add(t, "a", 10), b = Add(t, "b", 10);
        Count(a, "as");
        Count(b, "bs");
        t.Merge({a, b}).Peek(kSentence, [](Text) {});
      },
      {"'a'", "'b'", "connects"});
}

TEST_F(StreamNamesTest, GroupsThatArePartedAreRefusedWithTheirNames) {
  Go([](Topology& t) { Count(t.Merge({Add(t, "a", 10), Add(t, "b", 10)}), "counts"); });
  ExpectRefused(
      [](Topology& t) {
        Count(Add(t, "a", 10), "counts");
        Add(t, "b", 10).Peek(kSentence, [](Text) {});
      },
      {"'a'", "'b'", "does not connect"});
}

TEST_F(StreamNamesTest, ADirectoryOfFormatOneWithOneStreamIsMigrated) {
  const auto one = [](size_t rows) {
    return [rows](Topology& t) { Count(Add(t, "a", rows), "counts"); };
  };
  Go(one(10));
  ForgetNames();
  EXPECT_EQ(LatestState(*Go(one(13)), "counts"), (WordCounts{{"a", 13}}));
  ExpectRefused([](Topology& t) { Count(Add(t, "b", 13), "counts"); }, {"'a'", "'b'"});
}

TEST_F(StreamNamesTest, ADirectoryOfFormatOneWhoseStreamsCannotBeToldApartIsRefused) {
  const auto two = [](Topology& t) {
    Count(t.Merge({Add(t, "a", 10), Add(t, "b", 10)}), "counts");
  };
  Go(two);
  ForgetNames();
  ExpectRefused(two, {"format 1", "by their order"});
}

}  // namespace
}  // namespace trident
