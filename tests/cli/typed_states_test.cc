// SPDX-License-Identifier: Apache-2.0
//
// States with keys of several fields and values of every kind, in a topology of this process: asked
// by the command, then read from its directory at rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/codec.h"
#include "tests/cli/served_words.h"
#include "trident/functions/aggregators.h"
#include "trident/run/run.h"
#include "trident/spouts/fixed_batch_spout.h"
#include "trident/topology.h"

namespace trident {

struct Money {
  int64_t cents = 0;
};
template <>
struct UserCodec<Money> {
  static constexpr std::string_view kName = "money";
  static void Encode(const Money& m, std::string& out) { Codec<int64_t>::Encode(m.cents, out); }
  static bool Decode(std::string_view bytes, Money& out) {
    ByteReader in(bytes);
    out.cents = Codec<int64_t>::Decode(in);
    return in.done();
  }
  static std::string Render(const Money& m) { return std::to_string(m.cents) + " cents"; }
};

namespace {

using testing::HasSubstr;

constexpr Field<Text> kUser{"user"};
constexpr Field<std::optional<int64_t>> kDay{"day"};
constexpr Field<bool> kNight{"night"};
constexpr Field<Timestamp> kAt{"at"};
constexpr Field<double> kPlace{"place"};
constexpr Field<Bytes> kId{"id"};
constexpr Field<int64_t> kAmount{"amount"};
constexpr Field<Money> kTotal{"total"};
constexpr Field<int64_t> kMost{"most"};
constexpr Field<double> kMean{"mean"};

struct SumMoney {  // a combiner without a name
  using Value = Money;
  Value Zero() const { return {}; }
  Value Init(int64_t cents) const { return {cents}; }
  Value Combine(Value a, Value b) const { return {a.cents + b.cents}; }
};
struct Product {  // one whose name the command does not know
  using Value = double;
  static constexpr std::string_view kCombiner = "product";
  Value Zero() const { return 1; }
  Value Init(int64_t x) const { return static_cast<double>(x); }
  Value Combine(Value a, Value b) const { return a * b; }
};

// Two batches.
Topology Payments() {
  using Row = OwnedRow<Text, std::optional<int64_t>, bool, Timestamp, double, Bytes, int64_t>;
  const std::vector<Row> rows = {
      {"ann", 2, false, Timestamp{1'000'000}, -0.5, OwnedBytes{"\x01\xff"}, 10},
      {"ann", std::nullopt, true, Timestamp{0}, 2.25, OwnedBytes{""}, 7},
      {"ann", 2, false, Timestamp{1'000'000}, -0.5, OwnedBytes{"\x01\xff"}, 5},
      {"bob\t\n", -3, true, Timestamp{0}, 2.25, OwnedBytes{""}, 9},
  };
  Topology topology("payments");
  auto payments = topology.NewStream(
      "payments", FixedBatchSpout::Make(Fields(kUser, kDay, kNight, kAt, kPlace, kId, kAmount),
                                        {.batch_rows = 2}, rows));
  payments.GroupBy(Fields(kUser, kDay))
      .PersistentAggregate({.name = "totals"}, kAmount, SumMoney(), kTotal);
  payments.GroupBy(Fields(kNight, kAt, kPlace, kId))
      .PersistentAggregate({.name = "most"}, kAmount, Max(), kMost);
  payments.PersistentAggregate({.name = "product"}, kAmount, Product(), kMean);
  return topology;
}

class TypedStatesTest : public testing::Test {
 protected:
  void SetUp() override {
    auto run = Run::Start(
        Payments(), {.state_dir = state(), .address = "127.0.0.1:0", .sync = CommitSync::kNone});
    ASSERT_TRUE(run.ok()) << run.status();
    run_ = *std::move(run);
    ASSERT_TRUE(run_->AwaitEnd().ok());
  }

  std::string state() const { return dir_.path() + "/state"; }
  Ended Ask(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--address", run_->address()});
    return RunTrident(arguments);
  }
  Ended Dump(const std::string& name, const std::string& output) {
    run_.reset();
    return RunTrident({"state", "dump", state(), name, "-o", output});
  }

  TempDir dir_;
  std::unique_ptr<trident::Run> run_;
};

TEST_F(TypedStatesTest, AKeyOfSeveralFieldsIsTypedByItsSchema) {
  EXPECT_EQ(Ask({"state", "get", "totals", "ann", "2"}).out, "ann\t2\t15 cents\n");
  EXPECT_EQ(Ask({"state", "get", "totals", "ann", "\\N"}).out, "ann\tnull\t7 cents\n");
  EXPECT_EQ(Ask({"state", "get", "totals", "--", "bob\t\n", "-3"}).out, "bob\\t\\n\t-3\t9 cents\n");
  EXPECT_EQ(
      Ask({"state", "get", "most", "--", "false", "1970-01-01T00:00:01Z", "-0.5", "01ff"}).out,
      "false\t1970-01-01T00:00:01Z\t-0.5\t01ff\t10\n");
  EXPECT_EQ(Ask({"state", "get", "product"}).out, "3150\n");
  EXPECT_EQ(Ask({"state", "get", "totals", "ann", "2", "--at", "1", "-o", "json"}).out,
            R"({"state":"totals","key":["ann",2],"txid":1,"found":true,"value":{"type":"money",)"
            R"("text":"10 cents","encoded":"14"}})"
            "\n");
}

TEST_F(TypedStatesTest, AFieldOfAnotherTypeIsNamed) {
  const Ended day = Ask({"state", "get", "totals", "ann", "tuesday"});
  EXPECT_EQ(day.code, 2);
  EXPECT_THAT(day.err, HasSubstr("trident: key field 'day': "));
  EXPECT_THAT(day.err, HasSubstr("tuesday"));
  const Ended null = Ask({"state", "get", "most", "\\N", "x", "0", "00"});
  EXPECT_EQ(null.code, 2);
  EXPECT_THAT(null.err, HasSubstr("trident: key field 'night': "));
  const Ended few = Ask({"state", "get", "totals", "ann"});
  EXPECT_EQ(few.code, 2);
  EXPECT_THAT(few.err, HasSubstr("is [user:text, day:int64?]: expected 2 values, found 1"));
  const Ended many = Ask({"state", "get", "product", "x"});
  EXPECT_EQ(many.code, 2);
  EXPECT_THAT(many.err, HasSubstr("is []: expected 0 values, found 1"));
}

TEST_F(TypedStatesTest, APrefixIsTheFirstFieldsOfTheKey) {
  EXPECT_EQ(Ask({"state", "scan", "totals", "--prefix", "ann"}).out,
            "ann\tnull\t7 cents\nann\t2\t15 cents\n");
  EXPECT_EQ(Ask({"state", "scan", "totals", "--prefix", "ann", "--prefix", "2"}).out,
            "ann\t2\t15 cents\n");
  EXPECT_EQ(Ask({"state", "scan", "totals", "--prefix", "an"}).out, "")
      << "a text before the last field is whole";
  EXPECT_EQ(Ask({"state", "scan", "totals", "--from", "b"}).out, "bob\\t\\n\t-3\t9 cents\n");
}

TEST_F(TypedStatesTest, ADumpIsWhatTheTopologyToldExceptForUserTypes) {
  const std::string most = Ask({"state", "scan", "most"}).out;
  EXPECT_EQ(Dump("most", "text").out, most);
  const Ended totals = Dump("totals", "text");
  EXPECT_EQ(totals.code, 0);
  // Without the combiner the batches' parts stay apart.
  EXPECT_EQ(totals.out,
            "ann\tnull\tmoney(0e)\nann\t2\tmoney(14) <+ money(0a)\nbob\\t\\n\t-3\tmoney(12)\n");
  EXPECT_EQ(totals.err,
            "(state totals: 3 rows at txid 2; 1 of them with deltas that only the topology can "
            "combine)\n");
  EXPECT_EQ(Dump("totals", "json").out,
            R"({"state":"totals","key":["ann",null],"value":{"type":"money","text":"","encoded":)"
            R"("0e"}})"
            "\n"
            R"({"state":"totals","key":["ann",2],"value":{"type":"money","text":"","encoded":)"
            R"("14"},"deltas":[{"type":"money","text":"","encoded":"0a"}]})"
            "\n"
            R"({"state":"totals","key":["bob\t\n",-3],"value":{"type":"money","text":"",)"
            R"("encoded":"12"}})"
            "\n");
  EXPECT_EQ(Dump("product", "text").out, "70 <+ 45\n");
}

TEST_F(TypedStatesTest, VerifyNamesTypesAndCombiners) {
  run_.reset();
  const Ended verified = RunTrident({"state", "verify", state()});
  EXPECT_EQ(verified.code, 0) << verified.out;
  EXPECT_THAT(verified.out, HasSubstr("state totals: key (user text, day int64 or null), value "
                                      "money, 64 partitions"));
  EXPECT_THAT(verified.out, HasSubstr("state product: key (), value double (product), 1 "));
}

}  // namespace
}  // namespace trident
