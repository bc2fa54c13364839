// SPDX-License-Identifier: Apache-2.0
#include "state/disk/manifest_check.h"
#include "base/check.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "state/disk/rocks_store.h"
#include "tests/state/disk/store_script.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

constexpr size_t kNone = std::string_view::npos;

std::string ManifestOf(const std::string& dir) {
  for (const auto& entry : std::filesystem::directory_iterator(dir + "/db")) {
    if (entry.path().filename().string().starts_with("MANIFEST")) return entry.path();
  }
  return "";
}

// As RocksDB leaves it after some flushes and folds.
std::string SomeManifest() {
  TempDir dir;
  {
    const auto store = RocksStore::Open(SmallStoreOptions(dir.path())).value();
    for (const StoreStep& step : CommitsAndFolds(1, 6)) TRIDENT_CHECK_OK(step.run(*store));
  }
  return ReadWholeFile(ManifestOf(dir.path()));
}

TEST(ManifestCheckTest, AWholeListIsRight) { EXPECT_EQ(FindBrokenHeader(SomeManifest()), kNone); }

TEST(ManifestCheckTest, AListTornAtAnyByteIsNoDamage) {
  const std::string manifest = SomeManifest();
  ASSERT_GT(manifest.size(), 500u);
  for (size_t end = 0; end < manifest.size(); ++end) {
    ASSERT_EQ(FindBrokenHeader(std::string_view(manifest).substr(0, end)), kNone) << end;
    ASSERT_EQ(FindBrokenHeader(manifest.substr(0, end) + std::string(20, '\0')), kNone) << end;
  }
}

// The lengths of records, one after the other from the front.
TEST(ManifestCheckTest, ALengthThatGrewOrATypeThatChangedIsFoundInAnyRecord) {
  const std::string manifest = SomeManifest();
  int records = 0;
  for (size_t at = 0; at + 7 <= manifest.size(); ++records) {
    const size_t length = static_cast<uint8_t>(manifest[at + 4]) +
                          256 * static_cast<size_t>(static_cast<uint8_t>(manifest[at + 5]));
    for (int bit = 0; bit < 16; ++bit) {
      std::string bad = manifest;
      bad[at + 4 + bit / 8] ^= static_cast<char>(1 << bit % 8);
      const size_t wrong = length ^ (size_t{1} << bit);
      // One that does not reach beyond the end is noticed by its checksum, by RocksDB.
      if (at + 7 + wrong <= bad.size()) continue;
      ASSERT_EQ(FindBrokenHeader(bad), at) << "bit " << bit;
    }
    std::string bad = manifest;
    bad[at + 6] ^= 4;  // the type that a log has which is written over an older one
    ASSERT_EQ(FindBrokenHeader(bad), at);
    at += 7 + length;
  }
  EXPECT_GT(records, 10);
}

TEST(ManifestCheckTest, ARecordThatWasBeingWrittenIsNotTakenForDamageByAStore) {
  TempDir dir;
  {
    ASSERT_TRUE(
        FoldStep(TxId(1)).run(*RocksStore::Open(SmallStoreOptions(dir.path())).value()).ok());
  }
  const std::string path = ManifestOf(dir.path());
  const std::string whole = ReadWholeFile(path);
  std::string bad = whole;
  bad[5] ^= 0x40;  // the first record's length
  WriteWholeFile(path, bad);
  const Status refused = RocksStore::Open(SmallStoreOptions(dir.path())).status();
  EXPECT_EQ(refused.code(), StatusCode::kDataLoss) << refused;
  EXPECT_NE(Message(refused).find("the record at byte 0 of db/MANIFEST"), std::string_view::npos)
      << refused;
  WriteWholeFile(path, whole + whole.substr(0, 9));
  EXPECT_TRUE(RocksStore::Open(SmallStoreOptions(dir.path())).ok());
}

}  // namespace
}  // namespace trident
