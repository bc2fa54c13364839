// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/cli/served_words.h"

namespace trident {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const ServedWords& Words() {
  static const ServedWords* const words = new ServedWords();
  return *words;
}

void ExpectGolden(const std::vector<std::string>& arguments, const std::string& out,
                  const std::string& err) {
  const Ended ended = Words().Ask(arguments);
  EXPECT_EQ(ended.out, out);
  EXPECT_EQ(ended.err, err);
  EXPECT_EQ(ended.code, 0);
}

TEST(QueriesTest, StatesAreListedWithTheirShape) {
  ExpectGolden(
      {"state", "list"},
      "STATE         KIND           KEY                                 VALUE  KEYS  UNREADABLE  "
      "TXID\n"
      "counts        opaque         word:text                           int64  15    0           "
      "3\n"
      "dead-letters  transactional  stream:text, txid:int64, row:int64  text   0     0           "
      "3\n",
      "");
  const Ended json = Words().Ask({"state", "list", "-o", "json"});
  EXPECT_THAT(json.out,
              StartsWith(R"({"name":"counts","kind":"opaque","key":[{"name":"word","type":"text",)"
                         R"("nullable":false}],"value_type":"int64","partitions":64,)"
                         R"("approximate_keys":15,"unreadable_keys":0,"txid":3})"
                         "\n"));
}

TEST(QueriesTest, OneProcessIsOneWorker) {
  const Ended text = Words().Ask({"workers"});
  EXPECT_THAT(text.out, StartsWith("WORKER   AT  EPOCH  TASKS  STATES"));
  EXPECT_THAT(text.out, HasSubstr("\n0 leads  -   1      "));
  EXPECT_THAT(text.out, HasSubstr(" counts 0-63 of 64"));
  const Ended json = Words().Ask({"workers", "-o", "json"});
  EXPECT_THAT(json.out,
              StartsWith(R"({"worker":0,"leads":true,"address":"","away":"","epoch":1,)"));
  EXPECT_THAT(json.out, HasSubstr(R"("groups":[{"group":"1","published":3}],"txids_behind":0,)"));
  EXPECT_THAT(json.out, HasSubstr(R"("states":[{"state":"counts","first":0,"count":64,"of":64}])"));
}

TEST(QueriesTest, AKeyIsReadAtTheLatestAndAtAnEarlierTxId) {
  ExpectGolden({"state", "get", "counts", "the"}, "the\t4\n", "(at txid 3)\n");
  ExpectGolden({"state", "get", "counts", "the", "--at", "1"}, "the\t3\n", "(at txid 1)\n");
  ExpectGolden({"state", "get", "counts", "the", "--at-least", "2"}, "the\t4\n", "(at txid 3)\n");
  ExpectGolden({"-o", "json", "state", "get", "counts", "the", "--at", "1"},
               R"({"state":"counts","key":["the"],"txid":1,"found":true,"value":3})"
               "\n",
               "");
}

TEST(QueriesTest, AKeyThatIsNotThereIsExitCodeOne) {
  const Ended text = Words().Ask({"state", "get", "counts", "score", "--at", "1"});
  EXPECT_EQ(text.code, 1);
  EXPECT_EQ(text.out, "");
  EXPECT_EQ(text.err,
            "trident: state 'counts' has no key [score] at txid 1; `trident state scan counts` "
            "shows what it has\n");
  const Ended json = Words().Ask({"state", "get", "counts", "nope", "--output", "json"});
  EXPECT_EQ(json.code, 1);
  EXPECT_EQ(json.out, R"({"state":"counts","key":["nope"],"txid":3,"found":false})"
                      "\n");
}

TEST(QueriesTest, AScanIsInKeyOrderAndMayBePartOfTheState) {
  ExpectGolden({"state", "scan", "counts", "--prefix", "m"}, "man\t1\nmany\t1\nmoon\t1\n",
               "(3 rows at txid 3)\n");
  ExpectGolden({"state", "scan", "counts", "--prefix", "m", "--at", "1"}, "man\t1\nmoon\t1\n",
               "(2 rows at txid 1)\n");
  ExpectGolden({"state", "scan", "counts", "--from", "man", "--to", "moon"}, "man\t1\nmany\t1\n",
               "(2 rows at txid 3)\n");
  ExpectGolden({"state", "scan", "counts", "--limit", "1"}, "apples\t1\n",
               "(1 row at txid 3; there are more, raise --limit to see them)\n");
  ExpectGolden({"state", "scan", "counts", "--prefix", "x"}, "", "(0 rows at txid 3)\n");
  ExpectGolden({"state", "scan", "counts", "--prefix", "th", "-o", "json"},
               R"({"key":["the"],"value":4})"
               "\n",
               "(1 row at txid 3)\n");
}

TEST(QueriesTest, AWatchTellsTheChangesOfEveryTxId) {
  ExpectGolden({"state", "watch", "counts", "the", "--from-txid", "2", "--limit", "1"},
               "2\tthe\t4\n", "(changes after txid 1)\n");
  ExpectGolden({"state", "watch", "counts", "--prefix", "s", "--from-txid", "2", "--limit", "1",
                "-o", "json"},
               R"({"txid":2,"key":["score"],"value":1})"
               "\n",
               "(changes after txid 1)\n");
}

TEST(QueriesTest, AFunctionAnswersAtATxId) {
  ExpectGolden({"drpc", "words", "the cow"}, "word  count\nthe   4\ncow   1\n",
               "(2 rows at txid 3)\n");
  ExpectGolden({"drpc", "total", "the cow", "-o", "json"},
               R"({"function":"total","txid":3,"fields":["sum"],"rows":[[5]]})"
               "\n",
               "");
  ExpectGolden({"drpc", "words"}, "word  count\n", "(0 rows at txid 3)\n");
}

TEST(QueriesTest, FunctionsAreListedWithTheirLoad) {
  const Ended text = Words().Ask({"functions"});
  EXPECT_THAT(text.out, StartsWith("FUNCTION  WAITING  ANSWERED  REFUSED  EXPIRED\ntotal     0"));
  const Ended json = Words().Ask({"functions", "-o", "json"});
  EXPECT_THAT(json.out, StartsWith(R"({"function":"total","waiting":0,"answered":)"));
}

TEST(QueriesTest, BatchesTellWhatAGroupIsDoing) {
  const Ended text = Words().Ask({"batches"});
  EXPECT_EQ(text.code, 0);
  EXPECT_THAT(text.out, StartsWith("topology wordcount, epoch 1\n\ngroup 1\n"
                                   "  last decided  txid 3; 5 rows committed since the start\n"));
  EXPECT_THAT(text.out, HasSubstr("  next batch    up to 2 rows, "));
  EXPECT_THAT(text.out, HasSubstr("  in flight     0 of 4\n"));
  const Ended json = Words().Ask({"batches", "-o", "json"});
  EXPECT_THAT(json.out,
              StartsWith(R"({"topology":"wordcount","epoch":1,"groups":[{"name":"1",)"
                         R"("last_decided":3,"in_flight":[],"max_pending":4,"rows_limit":2,)"));
}

TEST(QueriesTest, APauseIsSeenAndEnds) {
  ServedWords words;
  EXPECT_EQ(words.Ask({"pause"}).out, "paused\n");
  EXPECT_THAT(words.Ask({"batches"}).out, HasSubstr("  now           paused; `trident resume`"));
  EXPECT_THAT(words.Ask({"batches", "-o", "json"}).out, HasSubstr(R"("paused":true)"));
  EXPECT_EQ(words.Ask({"resume", "-o", "json"}).out, "{\"topology\":\"resumed\"}\n");
  EXPECT_THAT(words.Ask({"batches", "-o", "json"}).out, HasSubstr(R"("paused":false)"));
  EXPECT_EQ(words.End(SIGTERM), 0) << "a signal ends it in order";
}

TEST(QueriesTest, ThePlanIsTextOrAGraphAndTheSameAsTheProgramsOwn) {
  const Ended own = RunProgramToEnd({"wordcount", "explain", "--input", Words().input()});
  EXPECT_THAT(own.out, StartsWith("topology \"wordcount\"\nbatch group 1\n  stage 0, 1 task\n"));
  ExpectGolden({"explain"}, own.out, "");
  const Ended dot = RunProgramToEnd({"wordcount", "explain", "--dot", "--input", Words().input()});
  EXPECT_THAT(dot.out, StartsWith("digraph \"wordcount\" {\n"));
  ExpectGolden({"explain", "--dot"}, dot.out, "");
  EXPECT_THAT(Words().Ask({"explain", "-o", "json"}).out,
              StartsWith(R"({"plan":"topology \"wordcount\"\nbatch group 1\n)"));
}

TEST(QueriesTest, MetricsAreCounters) {
  const Ended text = Words().Ask({"metrics"});
  EXPECT_THAT(text.out, HasSubstr("trident_last_decided_txid{group=\"1\"} 3\n"));
  EXPECT_THAT(text.out, HasSubstr("trident_rows_committed_total{group=\"1\"} 5\n"));
  EXPECT_THAT(Words().Ask({"metrics", "-o", "json"}).out,
              HasSubstr(R"(trident_last_decided_txid{group=\"1\"} 3\n)"));
}

TEST(QueriesTest, VersionSaysWhoAnswersAndNeedsNoTopology) {
  const Ended text = Words().Ask({"version"});
  EXPECT_THAT(text.out, StartsWith("trident 0."));
  EXPECT_THAT(text.out, HasSubstr("\ntopology wordcount at " + Words().address() + ": 0."));
  const Ended alone = RunTrident({"version", "--address", "127.0.0.1:1"});
  EXPECT_EQ(alone.code, 0);
  EXPECT_EQ(alone.err, "(no topology answers at 127.0.0.1:1)\n");
  EXPECT_THAT(alone.out, StartsWith("trident 0."));
}

TEST(QueriesTest, AProxyForTheWebIsNotAsked) {
  const Ended ended = RunProgramToEnd(
      {"trident", "--address", Words().address(), "state", "get", "counts", "the"},
      {.environment = {"http_proxy=http://127.0.0.1:1", "https_proxy=http://127.0.0.1:1",
                       "no_proxy=", "no_grpc_proxy="}});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out, "the\t4\n");
}

TEST(QueriesTest, AStartLaterHasTheSameCountsAndAnotherEpoch) {
  ServedWords words;
  EXPECT_EQ(words.End(SIGKILL), 128 + SIGKILL);
  words.Start();
  EXPECT_EQ(words.Ask({"state", "get", "counts", "the"}).out, "the\t4\n");
  EXPECT_THAT(words.Ask({"batches"}).out, StartsWith("topology wordcount, epoch 2\n"));
  const Ended older = words.Ask({"state", "get", "counts", "the", "--at", "1"});
  EXPECT_EQ(older.code, 4) << "memory holds no older versions after a start";
  EXPECT_THAT(older.err, HasSubstr("txid 1 of group 1 is not readable any more: readable are 3"));
  const Ended watch = words.Ask({"state", "watch", "counts", "--from-txid", "3"});
  EXPECT_EQ(watch.code, 4);
  EXPECT_THAT(watch.err, HasSubstr("the changes of txid 3 are not kept any more (a restart keeps "
                                   "none): read the state, which is readable from txid 3 on, and "
                                   "watch from txid 4 on"));
}

TEST(QueriesTest, TheHintOfAWatchThatEndedIsGoodAfterTheNextStart) {
  ServedWords words;
  Background watch({"trident", "state", "watch", "counts", "--address", words.address()});
  EXPECT_THAT(watch.AwaitLine("(changes after"), HasSubstr("txid 3"));
  words.End(SIGTERM);
  EXPECT_THAT(watch.AwaitLine("(to go on"), HasSubstr("--from-txid 4)"));
  words.Start();
  Background again(
      {"trident", "state", "watch", "counts", "--from-txid", "4", "--address", words.address()});
  EXPECT_THAT(again.AwaitLine("(changes after"), HasSubstr("txid 3"));
}

}  // namespace
}  // namespace trident
