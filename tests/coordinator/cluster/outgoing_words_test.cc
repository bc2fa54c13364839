// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cluster/outgoing_words.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"

namespace trident {
namespace {

TEST(OutgoingWordsTest, MessagesThatWaitAreTakenTogetherInTheirOrder) {
  OutgoingWords words(100);
  EXPECT_TRUE(words.Add("a"));
  EXPECT_TRUE(words.Add("bc"));
  EXPECT_TRUE(words.Add("d"));
  EXPECT_EQ(words.bytes(), 4);
  EXPECT_EQ(words.Take(), "abcd");
  EXPECT_TRUE(words.empty());
  EXPECT_EQ(words.bytes(), 0);
}

TEST(OutgoingWordsTest, WhatWouldBeOverTheBoundIsNotAdded) {
  OutgoingWords words(4);
  EXPECT_TRUE(words.Add("abc"));
  EXPECT_FALSE(words.Add("de"));
  EXPECT_EQ(words.bytes(), 3);
  EXPECT_TRUE(words.Add("d")) << "as much as the bound";
  EXPECT_EQ(words.Take(), "abcd");
  EXPECT_TRUE(words.Add("abcd")) << "there is room again";
}

TEST(OutgoingWordsTest, AMessageIsSharedUpToItsSizeAndNeverParted) {
  const std::string half(kControlSharedBytesMax / 2, 'h');
  const std::string huge(2 * kControlSharedBytesMax, 'H');
  OutgoingWords words(100 * kControlSharedBytesMax);
  for (const std::string& message : {half, half, half, huge, std::string("s")}) {
    ASSERT_TRUE(words.Add(message));
  }
  EXPECT_EQ(words.Take().size(), 2 * half.size());
  EXPECT_EQ(words.Take(), half) << "the next one would be too much";
  EXPECT_EQ(words.Take(), huge);
  EXPECT_EQ(words.Take(), "s");
  EXPECT_EQ(words.bytes(), 0);
}

TEST(OutgoingWordsTest, NothingWaitsAfterClear) {
  OutgoingWords words(4);
  ASSERT_TRUE(words.Add("abcd"));
  words.Clear();
  EXPECT_TRUE(words.empty());
  EXPECT_TRUE(words.Add("efgh"));
  EXPECT_EQ(words.Take(), "efgh");
}

}  // namespace
}  // namespace trident
