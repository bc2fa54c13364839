// SPDX-License-Identifier: Apache-2.0
//
// Values that the program's combiner or codec throws for, or that are too large: each costs nothing
// but its key, in readers, folds and starts, and is kept for a program that can read it.
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/limits.h"
#include "tests/state/map/partition_of_values.h"

namespace trident {
namespace {

template <class V>
class UnreadableValuesTest : public PartitionOfValues<V> {};
TYPED_TEST_SUITE(UnreadableValuesTest, StateValues);

// A value that only a repaired program can combine. All other keys go on; nothing is lost.
TYPED_TEST(UnreadableValuesTest,
           ACombinerThatThrowsInAFoldCostsItsKeyAloneAndOnlyUntilItIsRepaired) {
  for (const std::string key : {"good", "x"}) {
    TRIDENT_CHECK_OK(this->Put(key, key == "x" ? kPoison : 3));
  }
  this->Commit();
  this->Fold();
  this->Restart();
  repaired = false;
  for (int round = 1; round <= 4; ++round) {
    this->Add("good", 7 * round);
    this->Add("x", 8 * round);
    this->Commit();
    this->BeginFold();
    TRIDENT_CHECK_OK(this->Merge());
    if (round % 2 == 0) {  // the key changes while it is folded
      this->Add("x", 100 + round);
      this->Commit();
    }
    TRIDENT_CHECK_OK(this->Install());
    TRIDENT_CHECK_OK(this->Finish());
    this->ExpectReads({"good", "x"});
    this->ExpectAccountIsRight();
    EXPECT_EQ(this->partition_->UnreadableKeys(), 1u) << "the fold has found it";
    const Status bad = this->WhyNot("x");
    EXPECT_EQ(bad.code(), StatusCode::kAborted) << bad;
    EXPECT_NE(Message(bad).find("key 78 of state 1"), std::string_view::npos) << bad;
  }
  repaired = true;
  this->ExpectReads({"good", "x"});
  this->Fold();
  this->ExpectReads({"good", "x"});
  EXPECT_EQ(this->partition_->UnreadableKeys(), 0u);
  this->Restart();
  this->ExpectReads({"good", "x"});
}

TYPED_TEST(UnreadableValuesTest, WhatReadsNothingOfAKeyThatCannotBeReadReplacesOrRemovesIt) {
  for (const bool removes : {false, true}) {
    for (const bool is_folded_between : {false, true}) {
      SCOPED_TRACE(Concat(removes, " ", is_folded_between));
      repaired = true;
      TRIDENT_CHECK_OK(this->PutUnread("x", kPoison));
      TRIDENT_CHECK_OK(this->PutUnread("good", 3));
      this->Commit();
      this->Fold();
      this->Restart();
      repaired = false;
      this->Add("x", 8);
      this->Add("good", 7);
      this->Commit();
      if (is_folded_between) this->Fold();
      EXPECT_FALSE(this->Put("x", 1).ok()) << "it reads the old value";
      this->Abort();
      EXPECT_EQ(this->WhyNot("x").code(), StatusCode::kAborted);
      const uint64_t keys = this->partition_->ApproximateKeys();
      TRIDENT_CHECK_OK(this->PutUnread("x", removes ? std::nullopt : std::optional(int64_t{70})));
      this->Commit();
      EXPECT_EQ(this->partition_->UnreadableKeys(), 0u);
      EXPECT_EQ(this->partition_->ApproximateKeys(), keys - (removes ? 1 : 0));
      this->ExpectReads({"good", "x"});
      this->ExpectScan(this->published(), {});
      this->Fold();
      this->ExpectReads({"good", "x"});
      this->Restart();
      this->ExpectReads({"good", "x"});
      this->ExpectScan(this->published(), {});
      TRIDENT_CHECK_OK(this->Put("x", 1));
      this->Commit();
      this->ExpectReads({"good", "x"});
    }
  }
}

TYPED_TEST(UnreadableValuesTest, EveryPageGivesTheKeysThatCanBeReadAndNamesTheOthers) {
  for (int i = 0; i < 9; ++i) {
    const bool bad = i % 3 == 1;
    TRIDENT_CHECK_OK(this->Put(Concat(bad ? "x" : "k", i), bad ? kPoison : 7 * (i + 1)));
  }
  this->Commit();
  this->Fold();
  this->Restart();
  repaired = false;
  for (int i = 0; i < 9; ++i) this->Add(Concat(i % 3 == 1 ? "x" : "k", i), 5);
  this->Commit();
  for (const bool in_base : {false, true}) {
    if (in_base) {
      this->Fold();
      this->Restart();
    }
    for (const PageLimits limits : {PageLimits{.rows = 1}, PageLimits{.rows = 2}, PageLimits{},
                                    PageLimits{.rows = 100, .bytes = 1}}) {
      std::vector<std::string> read, unreadable;
      KeyRange range = KeyRange::All();
      for (bool more = true; more;) {
        const auto page = this->partition_->Scan(this->published(), range, limits);
        ASSERT_TRUE(page.ok()) << page.status();
        ASSERT_LE(page->rows.size() + page->unreadable.size(), limits.rows);
        for (const auto& [key, value] : page->rows) read.push_back(key);
        for (const auto& [key, why] : page->unreadable) {
          EXPECT_NE(Message(why).find("poison"), std::string_view::npos) << why;
          unreadable.push_back(key);
        }
        more = page->resume.has_value();
        if (more) range.begin = *page->resume;
      }
      EXPECT_EQ(read, (std::vector<std::string>{"k0", "k2", "k3", "k5", "k6", "k8"}));
      EXPECT_EQ(unreadable, (std::vector<std::string>{"x1", "x4", "x7"}));
    }
  }
  EXPECT_EQ(this->partition_->UnreadableKeys(), 3u);
}

// A start replays what another program has decided, which was less strict.
TYPED_TEST(UnreadableValuesTest, ASumOfTheRedoOverTheLimitCostsItsKeyAlone) {
  if constexpr (kHoldsHeap<TypeParam>) {
    const TypeParam large = this->Large();
    TRIDENT_CHECK_OK(this->Replay({
        this->SectionOf({{RowOperation::kAdd, "big", large},
                         {RowOperation::kAdd, "good", ValueOf<TypeParam>(3)}}),
        this->SectionOf({{RowOperation::kDelta, "big", large},
                         {RowOperation::kDelta, "good", ValueOf<TypeParam>(4)}}),
        this->SectionOf({{RowOperation::kDelta, "big", ValueOf<TypeParam>(5)}}),
    }));
    const auto expect_big_is_lost = [&] {
      const Status why = this->WhyNot("big");
      EXPECT_EQ(why.code(), StatusCode::kAborted) << why;
      EXPECT_NE(Message(why).find("is over the limit of"), std::string_view::npos) << why;
      this->ExpectAccountIsRight();
    };
    expect_big_is_lost();
    EXPECT_EQ(this->partition_->ApproximateKeys(), 2u);
    this->Fold();
    expect_big_is_lost();
    this->Restart();
    expect_big_is_lost();
    TRIDENT_CHECK_OK(this->PutUnread("big", 1));
    this->Commit();
    EXPECT_TRUE(this->partition_->Get(this->published(), this->Hashed("big")).ok());
    EXPECT_EQ(this->partition_->UnreadableKeys(), 0u);
  }
}

// The combiner, or the codec either way, of the program that is started throws for what the redo
// has. All of it is kept for one that does not.
TYPED_TEST(UnreadableValuesTest, WhatTheProgramThrowsForInAReplayCostsItsKeyAloneAndIsKept) {
  const auto replay = [&] {
    return this->Replay({
        this->SectionOf({{RowOperation::kAdd, "x", ValueOf<TypeParam>(kPoison)},
                         {RowOperation::kAdd, "good", ValueOf<TypeParam>(3)}}),
        this->SectionOf({{RowOperation::kDelta, "x", ValueOf<TypeParam>(4)},
                         {RowOperation::kDelta, "x", ValueOf<TypeParam>(5)}}),
        this->SectionOf({{RowOperation::kDelta, "x", ValueOf<TypeParam>(6)}}),
    });
  };
  TypeParam sum = ValueOf<TypeParam>(kPoison);
  for (int n = 4; n <= 6; ++n) sum = Plus(sum, ValueOf<TypeParam>(n));
  repaired = false;
  for (const bool is_folded : {false, true}) {
    TRIDENT_CHECK_OK(replay());
    EXPECT_EQ(this->partition_->UnreadableKeys(), 1u) << "nobody has read it";
    EXPECT_EQ(this->WhyNot("x").code(), StatusCode::kAborted);
    if (is_folded) this->Fold();
    this->Add("x", 7);  // it goes on
    this->Commit();
    EXPECT_EQ(this->WhyNot("x").code(), StatusCode::kAborted);
    this->Fold();
    this->Restart();
    repaired = true;
    const auto got = this->partition_->Get(this->published(), this->Hashed("x"));
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(Encoded(**got), Encoded(Plus(sum, ValueOf<TypeParam>(7))));
    repaired = false;
  }
}

TYPED_TEST(UnreadableValuesTest, RowsOfTheRedoThatTheCodecThrowsForCostTheirKeysAlone) {
  if constexpr (std::is_same_v<TypeParam, UserValue>) {
    const auto note = [](const std::string& text) { return UserValue::Of(Note{text}); };
    const std::vector<std::string> sections = {
        this->SectionOf(
            {{RowOperation::kAdd, "added", note("#1")}, {RowOperation::kAdd, "good", note("a")}}),
        this->SectionOf({{RowOperation::kDelta, "new", note("#2")},
                         {RowOperation::kDelta, "good", note("b")},
                         {RowOperation::kReplace, "added", note("#3")}}),
    };
    Note::refuses_hash = true;
    TRIDENT_CHECK_OK(this->Replay(sections));
    const auto text = [&](const std::string& key) {
      const auto got = this->partition_->Get(this->published(), this->Hashed(key));
      return got.ok() ? (*got)->template As<Note>().text : std::string(Message(got.status()));
    };
    for (const bool is_folded : {false, true}) {
      if (is_folded) this->Fold();
      if (is_folded) this->Restart();
      EXPECT_EQ(text("good"), "ab");
      EXPECT_NE(text("added").find("no hash"), std::string::npos) << text("added");
      EXPECT_NE(text("new").find("no hash"), std::string::npos) << text("new");
    }
    Note::refuses_hash = false;
    EXPECT_EQ(text("added"), "#3");
    EXPECT_EQ(text("new"), "#2");
  }
}

// Nobody reads the base for a delta, so a sum can grow over the limit behind the commit.
TYPED_TEST(UnreadableValuesTest, ASumOverTheLimitCostsItsKeyAloneAndNoFoldStops) {
  if constexpr (kHoldsHeap<TypeParam>) {
    this->AddValue("big", this->Large());
    this->Add("good", 3);
    this->Commit();
    for (int round = 1; round <= 2; ++round) {
      this->Fold();
      this->Restart();
      this->AddValue("big", this->Large());
      this->Add("good", round);
      this->Commit();
      this->ExpectReads({"good"});
      this->ExpectAccountIsRight();
      const Status read = this->partition_->Get(this->published(), this->Hashed("big")).status();
      EXPECT_EQ(read.code(), StatusCode::kAborted) << read;
      EXPECT_NE(Message(read).find("is over the limit of"), std::string_view::npos) << read;
      EXPECT_NE(Message(read).find("key 626967 of state 1"), std::string_view::npos) << read;
    }
  }
}

TYPED_TEST(UnreadableValuesTest, ASumThatCannotBeWrittenIsRefusedBeforeTheCommitOrStaysApart) {
  if constexpr (std::is_same_v<TypeParam, UserValue>) {
    const auto note = [](const std::string& text) { return UserValue::Of(Note{text}); };
    const auto code = [&] {
      return this->partition_->Get(this->published(), this->Hashed("x")).status().code();
    };
    this->AddValue("x", note("left~"));
    this->Add("good", 3);
    this->Commit();
    EXPECT_THROW(this->AddValue("x", note("~right")), std::domain_error) << "it is known";
    this->Abort();
    this->Fold();
    this->ExpectReads({"good", "x"});
    this->Restart();
    this->AddValue("x", note("~right"));  // nobody knows over what
    this->Add("good", 4);
    this->Commit();
    this->Fold();
    this->ExpectReads({"good"});
    EXPECT_EQ(code(), StatusCode::kAborted);
    this->Restart();
    this->ExpectReads({"good"});
    EXPECT_EQ(code(), StatusCode::kAborted);
  }
}

}  // namespace
}  // namespace trident
