// SPDX-License-Identifier: Apache-2.0
#include "base/key_words.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/rng.h"

namespace trident {
namespace {

// What KeyWords::Of is to give, made byte by byte.
KeyWords Expected(std::string_view key) {
  char bytes[KeyWords::kBytes] = {};
  if (key.size() <= sizeof bytes) {
    for (size_t i = 0; i < key.size(); ++i) bytes[i] = key[i];
  } else {
    for (size_t i = 0; i < 8; ++i) {
      bytes[i] = key[i];
      bytes[8 + i] = key[key.size() - 8 + i];
    }
  }
  return KeyWords::OfPadded(bytes);
}

// A page with nothing mapped behind it: a read past its end kills the program.
class LastPage {
 public:
  LastPage()
      : base_(static_cast<char*>(
            mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    EXPECT_EQ(mprotect(base_ + kPage, kPage, PROT_NONE), 0);
  }
  ~LastPage() { munmap(base_, 2 * kPage); }
  LastPage(const LastPage&) = delete;
  LastPage& operator=(const LastPage&) = delete;
  char* end() const { return base_ + kPage; }

 private:
  static constexpr size_t kPage = 4096;
  char* const base_;
};

TEST(KeyWordsTest, AreTheBytesOfTheKeyAndNothingElse) {
  Rng rng(1);
  std::string memory(4096, '\0');
  for (char& byte : memory) byte = static_cast<char>(rng());
  for (size_t size = 0; size <= 40; ++size) {
    for (size_t at = 0; at + size <= memory.size(); at += 1 + rng.Below(50)) {
      const std::string_view key(memory.data() + at, size);
      ASSERT_EQ(KeyWords::Of(key), Expected(key)) << "of " << size << " bytes at " << at;
    }
  }
}

TEST(KeyWordsTest, NothingIsReadFromThePageBehind) {
  const LastPage page;
  for (size_t behind = 0; behind <= 40; ++behind) {
    for (size_t size = 0; size <= 40; ++size) {
      char* const at = page.end() - size - behind;
      std::memset(at, 'k', size);
      const std::string_view key(at, size);
      ASSERT_EQ(KeyWords::Of(key), Expected(key)) << size << " bytes, " << behind << " behind";
    }
  }
}

TEST(KeyWordsTest, NoKeyAtAllIsTheEmptyKey) {
  EXPECT_EQ(KeyWords::Of(std::string_view()), KeyWords::Of(""));
}

TEST(KeyWordsTest, CopiesThemselvesAsTheBytesOfTheKey) {
  char bytes[KeyWords::kBytes];
  KeyWords::Of("seventeen").CopyTo(bytes);
  EXPECT_EQ(std::string(bytes, sizeof bytes), std::string("seventeen\0\0\0\0\0\0\0", 16));
}

TEST(KeyWordsTest, MixesShortNeighboursApart) {
  // The low bits choose a slot: as many keys as slots should find most of the slots that chance
  // would find, which are 1 - 1/e of them.
  constexpr uint64_t kKeys = 1 << 12;
  // The fewest of any place where a program may be loaded, of a few hundred.
  const auto slots = [](auto&& key_of) {
    size_t fewest = kKeys;
    for (uint64_t page = 0; page < 300; ++page) {
      const uint64_t salt = 0x5555'5555'4000 + Mix64(page) % (1 << 28) * 4096;
      std::vector<char> taken(kKeys);
      for (uint64_t i = 0; i < kKeys; ++i) {
        const std::string key = key_of(i);
        taken[KeyWords::Of(key).Mix(key.size(), salt) & (kKeys - 1)] = 1;
      }
      fewest = std::min<size_t>(fewest, std::count(taken.begin(), taken.end(), 1));
    }
    return fewest;
  };
  const auto number = [](uint64_t i) { return std::to_string(i); };
  const auto padded = [](uint64_t i) {
    return std::string("user-00") + std::to_string(100'000 + i);
  };
  const auto big_endian = [](uint64_t i) {
    std::string key(8, '\0');
    for (int b = 0; b < 8; ++b) key[7 - b] = static_cast<char>(i >> (8 * b));
    return key;
  };
  const auto zeros = [](uint64_t i) { return std::string(i % 17, '\0') + std::to_string(i); };
  EXPECT_GT(slots(number), kKeys * 6 / 10);
  EXPECT_GT(slots(padded), kKeys * 6 / 10);
  EXPECT_GT(slots(big_endian), kKeys * 6 / 10);
  EXPECT_GT(slots(zeros), kKeys * 6 / 10);
}

}  // namespace
}  // namespace trident
