// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/clock.h"
#include "base/key_encoding.h"
#include "base/limits.h"
#include "tests/coordinator/serve/served_topology.h"

namespace trident {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class ScanTest : public ::testing::Test {
 protected:
  struct Scanned {
    grpc::Status status;
    std::vector<v1::ScanPage> pages;

    std::vector<std::string> words() const {
      std::vector<std::string> out;
      for (const v1::ScanPage& page : pages) {
        for (const v1::Entry& entry : page.entries()) out.push_back(entry.key().values(0).text());
      }
      return out;
    }
  };
  ScanTest() { request_.set_state("counts"); }

  Scanned Scan(ServedTopology& topology) {
    Scanned out;
    auto context = Within();
    auto reader = topology.query->Scan(context.get(), request_);
    for (v1::ScanPage page; reader->Read(&page);) out.pages.push_back(page);
    out.status = reader->Finish();
    return out;
  }
  Scanned Scan() { return Scan(topology_); }
  std::string Refusal() { return Said(Scan().status); }

  ServedTopology topology_;
  v1::ScanRequest request_;
};

TEST_F(ScanTest, AllKeysComeInKeyOrderAtOneTxid) {
  topology_.counts.Commit({{"moon", 1}, {"cow", 2}, {"the", 3}});
  const Scanned scanned = Scan();
  ASSERT_TRUE(scanned.status.ok()) << Said(scanned.status);
  EXPECT_THAT(scanned.words(), ElementsAre("cow", "moon", "the"));
  ASSERT_EQ(scanned.pages.size(), 1u);
  EXPECT_EQ(scanned.pages[0].txid(), 1u);
  EXPECT_EQ(scanned.pages[0].entries(0).value().int64_value(), 2);
  EXPECT_TRUE(scanned.pages[0].resume_token().empty());
}

TEST_F(ScanTest, AKeyWhoseValueCannotBeReadSaysSoAmongTheOthers) {
  topology_.counts.Commit({{"moon", 1}, {"cow", 2}, {"the", 3}});
  topology_.counts.state.MakeUnreadable("moon", Aborted("it threw \xff"));
  const Scanned scanned = Scan();
  ASSERT_TRUE(scanned.status.ok()) << Said(scanned.status);
  EXPECT_THAT(scanned.words(), ElementsAre("cow", "moon", "the"));
  EXPECT_EQ(scanned.pages[0].entries(0).error(), "");
  EXPECT_EQ(scanned.pages[0].entries(1).error(), "it threw ");
  EXPECT_FALSE(scanned.pages[0].entries(1).has_value());
  EXPECT_EQ(scanned.pages[0].entries(2).value().int64_value(), 3);
}

TEST_F(ScanTest, AnEmptyStateIsOnePageWithoutRows) {
  const Scanned scanned = Scan();
  ASSERT_TRUE(scanned.status.ok());
  ASSERT_EQ(scanned.pages.size(), 1u);
  EXPECT_EQ(scanned.pages[0].entries_size(), 0);
}

TEST_F(ScanTest, APrefixOfATextKeySelectsByItsFirstLetters) {
  topology_.counts.Commit({{"t", 1}, {"the", 1}, {"then", 1}, {"there", 1}, {"thf", 1}, {"u", 1}});
  *request_.mutable_prefix() = TextKey("the");
  EXPECT_THAT(Scan().words(), ElementsAre("the", "then", "there"));
  *request_.mutable_prefix() = TextKey("");
  EXPECT_EQ(Scan().words().size(), 6u);
}

TEST_F(ScanTest, ARangeIncludesItsFirstAndNotItsLastKey) {
  topology_.counts.Commit({{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}});
  *request_.mutable_range()->mutable_from() = TextKey("b");
  EXPECT_THAT(Scan().words(), ElementsAre("b", "c", "d"));
  *request_.mutable_range()->mutable_to() = TextKey("d");
  EXPECT_THAT(Scan().words(), ElementsAre("b", "c"));
  request_.mutable_range()->clear_from();
  EXPECT_THAT(Scan().words(), ElementsAre("a", "b", "c"));
  *request_.mutable_range()->mutable_from() = TextKey("x");
  EXPECT_THAT(Refusal(), HasSubstr("the range ends before it begins"));
}

TEST_F(ScanTest, ThePrefixOfACompositeKeyIsItsFirstFields) {
  FakeState& state = topology_.catalog.Add<int64_t>(
      "visits", {{"user", &TypeOf<Text>()}, {"day", &TypeOf<int64_t>()}});
  topology_.catalog.Commit([&](TxId txid) {
    for (const char* user : {"an", "ann", "anne"}) {
      for (int64_t day : {-1, 1}) {
        const std::vector<Datum> key = {Datum{std::string(user)}, Datum{day}};
        state.Set(txid, *EncodeKey(state.info().spec.key_fields, key), Encoded<int64_t>(1));
      }
    }
  });
  request_.set_state("visits");
  *request_.mutable_prefix() = TextKey("ann");
  const Scanned scanned = Scan();
  ASSERT_EQ(scanned.words().size(), 2u) << "a whole first field, not its first letters";
  EXPECT_EQ(scanned.pages[0].entries(0).key().values(1).int64_value(), -1);
}

TEST_F(ScanTest, PagesHaveTheSizeAskedForAndRowsStopAtTheLimit) {
  topology_.counts.Commit({{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}});
  request_.set_page_rows(2);
  Scanned scanned = Scan();
  EXPECT_EQ(scanned.pages.size(), 3u);
  EXPECT_THAT(scanned.words(), ElementsAre("a", "b", "c", "d", "e"));
  request_.set_rows_max(3);
  scanned = Scan();
  EXPECT_THAT(scanned.words(), ElementsAre("a", "b", "c"));
  EXPECT_FALSE(scanned.pages.back().resume_token().empty()) << "there is more";
}

TEST_F(ScanTest, LargeRowsMakePagesByTheirBytes) {
  FakeState& state = topology_.catalog.Add<std::string>("pages", {{"url", &TypeOf<Text>()}});
  topology_.catalog.Commit([&](TxId txid) {
    for (int i = 0; i < 5; ++i) {
      state.Set(txid, "u" + std::to_string(i), Encoded(std::string(700'000, 'x')));
    }
  });
  request_.set_state("pages");
  const Scanned scanned = Scan();
  ASSERT_TRUE(scanned.status.ok()) << Said(scanned.status);
  EXPECT_EQ(scanned.words().size(), 5u);
  for (const v1::ScanPage& page : scanned.pages) EXPECT_LT(page.ByteSizeLong(), 4u << 20);
}

TEST_F(ScanTest, StretchesWithoutRowsAreNotSentAsPages) {
  std::map<std::string, int64_t> counts;
  for (int i = 0; i < 1000; ++i) counts["w" + std::to_string(i)] = i;
  topology_.counts.Commit(counts);
  topology_.catalog.Commit([&](TxId txid) {
    for (const auto& [word, count] : counts) {
      if (word != "w999") topology_.counts.state.Set(txid, word, std::nullopt);
    }
  });
  topology_.counts.state.rows_looked_at_max = 10;
  const Scanned scanned = Scan();
  ASSERT_TRUE(scanned.status.ok()) << Said(scanned.status);
  EXPECT_THAT(scanned.words(), ElementsAre("w999"));
  EXPECT_LE(scanned.pages.size(), 2u);
}

TEST_F(ScanTest, AllPagesAreOfOneTxidWhileCommitsGoOn) {
  std::map<std::string, int64_t> counts;
  for (int i = 0; i < 200; ++i) counts["w" + std::to_string(i)] = 1;
  topology_.counts.Commit(counts);
  request_.set_page_rows(7);
  auto context = Within();
  auto reader = topology_.query->Scan(context.get(), request_);
  uint64_t rows = 0;
  for (v1::ScanPage page; reader->Read(&page);) {
    EXPECT_EQ(page.txid(), 1u);
    for (const v1::Entry& entry : page.entries()) {
      ++rows;
      ASSERT_EQ(entry.value().int64_value(), 1);
    }
    // Far more commits than the window keeps: the scan holds its own txid.
    for (auto& [word, count] : counts) ++count;
    topology_.counts.Commit(counts);
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(rows, 200u);
}

TEST_F(ScanTest, AScanGoesOnFromItsTokenAtTheSameTxid) {
  topology_.counts.Commit({{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}});
  request_.set_rows_max(2);
  const Scanned first = Scan();
  topology_.counts.Commit({{"c", 5}, {"bb", 5}});
  request_.set_resume_token(first.pages.back().resume_token());
  const Scanned second = Scan();
  ASSERT_TRUE(second.status.ok()) << Said(second.status);
  EXPECT_THAT(second.words(), ElementsAre("c", "d"));
  EXPECT_EQ(second.pages[0].txid(), 1u);
  EXPECT_EQ(second.pages[0].entries(0).value().int64_value(), 1);
}

TEST_F(ScanTest, ATokenWhoseTxidIsGoneIsRefused) {
  topology_.counts.Commit({{"a", 1}, {"b", 1}});
  request_.set_rows_max(1);
  request_.set_resume_token(Scan().pages.back().resume_token());
  for (int i = 0; i < 5; ++i) topology_.counts.Commit({{"a", i}});
  EXPECT_THAT(Refusal(), AllOf(StartsWith("OUT_OF_RANGE"), HasSubstr("txid 1")));
}

TEST_F(ScanTest, ADamagedTokenIsRefusedWhateverByteIsWrong) {
  topology_.counts.Commit({{"a", 1}, {"b", 1}});
  request_.set_rows_max(1);
  const std::string token = Scan().pages.back().resume_token();
  ASSERT_FALSE(token.empty());
  for (size_t i = 0; i < token.size(); ++i) {
    std::string damaged = token;
    damaged[i] ^= 0x40;
    request_.set_resume_token(damaged);
    EXPECT_THAT(Refusal(), StartsWith("INVALID_ARGUMENT: the resume_token")) << i;
  }
  for (size_t length = 1; length < token.size(); ++length) {
    request_.set_resume_token(token.substr(0, length));
    EXPECT_THAT(Refusal(), StartsWith("INVALID_ARGUMENT")) << length;
  }
  request_.set_resume_token(token + "x");
  EXPECT_THAT(Refusal(), StartsWith("INVALID_ARGUMENT"));
}

TEST_F(ScanTest, ATokenFitsOnlyTheScanThatItCameFrom) {
  topology_.catalog.Add<int64_t>("others", {{"word", &TypeOf<Text>()}});
  topology_.counts.Commit({{"a", 1}, {"b", 1}});
  request_.set_rows_max(1);
  request_.set_resume_token(Scan().pages.back().resume_token());
  request_.set_state("others");
  EXPECT_THAT(Refusal(), HasSubstr("another state or other bounds"));
  request_.set_state("counts");
  *request_.mutable_prefix() = TextKey("a");
  EXPECT_THAT(Refusal(), HasSubstr("another state or other bounds"));
  request_.clear_prefix();
  request_.mutable_at()->set_exactly(1);
  EXPECT_THAT(Refusal(), HasSubstr("leave `at` out"));
}

TEST_F(ScanTest, AScanMayWaitForItsTxid) {
  request_.mutable_at()->set_at_least(3);
  std::thread committing([&] {
    for (int i = 1; i <= 3; ++i) topology_.counts.Commit({{"a", i}});
  });
  const Scanned scanned = Scan();
  committing.join();
  ASSERT_TRUE(scanned.status.ok()) << Said(scanned.status);
  EXPECT_EQ(scanned.pages[0].txid(), 3u);
}

TEST_F(ScanTest, WrongKeysAndStatesAreRefused) {
  request_.set_state("totals");
  EXPECT_THAT(Refusal(), StartsWith("NOT_FOUND: there is no state 'totals'"));
  request_.set_state("counts");
  request_.mutable_prefix()->add_values()->set_bool_value(true);
  EXPECT_THAT(Refusal(), StartsWith("INVALID_ARGUMENT: state counts[word:text]"));
}

TEST_F(ScanTest, MoreScansThanThereArePlacesAreRefusedAndPlacesComeBack) {
  std::map<std::string, int64_t> counts;
  for (int i = 0; i < 20'000; ++i) counts["some longer word " + std::to_string(i)] = 1;
  topology_.counts.Commit(counts);
  {
    // Scans that send more than a connection buffers, and are not read, stay open.
    std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
    std::vector<std::unique_ptr<grpc::ClientReader<v1::ScanPage>>> open;
    for (int64_t i = 0; i < kScansMax; ++i) {
      contexts.push_back(Within());
      open.push_back(topology_.query->Scan(contexts.back().get(), request_));
      v1::ScanPage page;
      ASSERT_TRUE(open.back()->Read(&page));
    }
    EXPECT_THAT(Refusal(), AllOf(StartsWith("RESOURCE_EXHAUSTED: 64 scans are open")));
    for (auto& context : contexts) context->TryCancel();
    for (auto& reader : open) {
      for (v1::ScanPage page; reader->Read(&page);) {
      }
      EXPECT_FALSE(reader->Finish().ok());
    }
  }
  // A place is given back soon after its client heard of the end.
  grpc::Status status;
  do {
    status = Scan().status;
  } while (status.error_code() == grpc::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(status.ok()) << Said(status);
}

TEST(ScanStallTest, AScanThatNobodyReadsIsCutOff) {
  ServedTopology::Options options;
  options.server.stream_stall_max = 40 * kMillisecond;
  ServedTopology topology(options);
  std::map<std::string, int64_t> counts;
  for (int i = 0; i < 50'000; ++i) counts["some longer word " + std::to_string(i)] = 1;
  topology.counts.Commit(counts);
  v1::ScanRequest request;
  request.set_state("counts");
  auto context = Within();
  auto reader = topology.query->Scan(context.get(), request);
  v1::ScanPage page;
  ASSERT_TRUE(reader->Read(&page));  // from now on it holds its txid
  // The held txid is let go when the scan is cut off; until then commits keep it readable.
  const TxId held(page.txid());
  while (topology.catalog.timeline().oldest() <= held) topology.counts.Commit({{"a", 1}});
  while (reader->Read(&page)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::CANCELLED);
}

}  // namespace
}  // namespace trident
