// SPDX-License-Identifier: Apache-2.0
//
// `trident backup` and `trident restore`: a running topology is copied at one committed cut, and
// what is not whole is refused and leaves nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <memory>
#include <set>

#include "base/hash.h"
#include "base/rng.h"
#include "coordinator/cli/directory/backup_folder.h"
#include "tests/cli/directory_life.h"
#include "tests/cli/folded_directory.h"
#include "tests/cli/served_words.h"

namespace trident {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// `lines` of text, one batch each.
class Counting {
 public:
  explicit Counting(int lines) : text_(RandomLines(11, lines)) {
    WriteText(dir_.path() + "/text", text_);
  }
  std::vector<std::string> Words(const std::string& state) const {
    return {"wordcount", "run",    "--input", dir_.path() + "/text",
            "--state",   state,    "--quiet", "--batch-rows",
            "1",         "--sync", "none"};
  }
  // The address that it serves.
  std::string Start(const std::string& state) {
    std::vector<std::string> words = Words(state);
    words.insert(words.end(), {"--keep-serving", "--address", "127.0.0.1:0"});
    program_ = std::make_unique<Background>(words);
    const std::string line = program_->AwaitLine("serving on ");
    return line.substr(line.rfind(' ') + 1);
  }
  int End(int signal) { return program_->End(signal); }
  std::string At(const std::string& name) const { return dir_.path() + "/" + name; }
  const std::string& text() const { return text_; }

 private:
  TempDir dir_;
  const std::string text_;
  std::unique_ptr<Background> program_;
};

constexpr int kLines = 6000;

std::string DumpOf(const std::string& dir, uint64_t& txid) {
  const Ended dump = RunTrident({"state", "dump", dir, "counts"});
  EXPECT_EQ(dump.code, 0) << dump.err;
  txid = TxIdOf(dump.err);
  return dump.out;
}

TEST(BackupTest, OneOfARunningTopologyIsOneCutAndTheRestoredOneGoesOn) {
  Counting counting(kLines);
  const std::string address = counting.Start(counting.At("state"));
  std::set<uint64_t> cuts;
  for (int i = 0; i < 4; ++i) {
    SCOPED_TRACE(i);
    const std::string backup = counting.At(Concat("backup", i)), back = counting.At("back");
    const Ended taken = RunTrident({"backup", backup, "--address", address});
    ASSERT_EQ(taken.code, 0) << taken.err;
    EXPECT_THAT(taken.out, StartsWith(backup + ": "));
    EXPECT_FALSE(fs::exists(backup + ".partial"));
    uint64_t txid = 0;
    const std::string counts = DumpOf(backup, txid);
    EXPECT_THAT(taken.out, EndsWith(Concat(" bytes, at txid ", txid, "\n")));
    EXPECT_EQ(counts, CountsOf(counting.text(), txid)) << "one line is one batch";
    cuts.insert(txid);

    const std::string before = FingerprintOf(backup);
    const Ended restored = RunTrident({"restore", backup, back});
    ASSERT_EQ(restored.code, 0) << restored.err;
    EXPECT_THAT(restored.out, EndsWith(Concat(" bytes, at txid ", txid, "\n")));
    EXPECT_EQ(RunTrident({"state", "verify", back}).code, 0);
    const Ended gone_on = RunProgramToEnd(counting.Words(back));
    EXPECT_EQ(gone_on.code, 0) << gone_on.err;
    EXPECT_EQ(DumpOf(back, txid), CountsOf(counting.text(), kLines));
    EXPECT_TRUE(FingerprintOf(backup) == before) << "the backup stays as it is";
    fs::remove_all(back);
  }
  EXPECT_GT(cuts.size(), 1u) << "batches went on";
  EXPECT_TRUE(fs::is_empty(counting.At("state/copies"))) << "what was sent is let go";
  EXPECT_EQ(counting.End(SIGTERM), 0);
}

TEST(BackupTest, WhatAKilledTopologyWasSendingIsGoneAfterItsNextStart) {
  Counting counting(20);
  fs::create_directories(counting.At("state"));
  ASSERT_EQ(RunProgramToEnd(counting.Words(counting.At("state"))).code, 0);
  fs::create_directories(counting.At("state/copies/7/db"));
  WriteText(counting.At("state/copies/7/db/000001.sst"), "half");
  ASSERT_EQ(RunProgramToEnd(counting.Words(counting.At("state"))).code, 0);
  EXPECT_FALSE(fs::exists(counting.At("state/copies/7")));
}

TEST(BackupTest, OneOfADirectoryAtRestHasAllOfIt) {
  TempDir temp;
  const std::string backup = temp.path() + "/backup";
  const Ended taken =
      RunTrident({"backup", backup, "--from", FoldedDirectory::Get().path(), "-o", "json"});
  ASSERT_EQ(taken.code, 0) << taken.err;
  EXPECT_THAT(taken.out, ContainsRegex(R"("groups":\[\{"group":1,"decided":[0-9]+\}\])"));
  uint64_t txid = 0;
  EXPECT_EQ(DumpOf(backup, txid), FoldedDirectory::Get().counts());
}

TEST(BackupTest, ABackupIsReadAndNeverRunOn) {
  TempDir temp;
  const std::string backup = temp.path() + "/backup";
  ASSERT_EQ(RunTrident({"backup", backup, "--from", FoldedDirectory::Get().path()}).code, 0);
  const std::string before = FingerprintOf(backup);
  WriteText(temp.path() + "/text", "one\n");
  const Ended run = RunProgramToEnd(
      {"wordcount", "run", "--input", temp.path() + "/text", "--state", backup, "--quiet"});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err,
              HasSubstr(Concat(backup, " is a backup, which no process may change. Make ",
                               "a state directory of it with: trident restore ", backup, " DIR")));
  EXPECT_TRUE(FingerprintOf(backup) == before);
}

// ---- refusals ----

class PlaceTest : public testing::Test {
 protected:
  Ended Backup(const std::string& target) {
    return RunTrident({"backup", target, "--from", FoldedDirectory::Get().path()});
  }
  std::string At(const std::string& name) const { return temp_.path() + "/" + name; }

  TempDir temp_;
};

TEST_F(PlaceTest, APlaceThatIsTakenStaysAsItIs) {
  fs::create_directories(At("taken"));
  WriteText(At("taken/mine"), "text");
  WriteText(At("file"), "text");
  const std::string before = FingerprintOf(temp_.path());
  for (const std::string& target : {At("taken"), At("file"), At("taken/")}) {
    const Ended ended = Backup(target);
    EXPECT_EQ(ended.code, 4);
    EXPECT_THAT(ended.err, HasSubstr(" is there and is no empty folder; nothing was changed. "));
  }
  const Ended lost = Backup(At("no/such/parent"));
  EXPECT_EQ(lost.code, 1);
  EXPECT_THAT(lost.err, HasSubstr("No such file or directory. Make its parent first"));
  EXPECT_EQ(Backup("").code, 2);
  EXPECT_TRUE(FingerprintOf(temp_.path()) == before);
}

TEST_F(PlaceTest, NothingIsPutIntoAStateDirectoryOrABackup) {
  ASSERT_EQ(Backup(At("backup")).code, 0);
  FoldedDirectory::Get().CopyTo(At("state"));
  const std::string before = FingerprintOf(temp_.path());
  for (const std::string& target : {At("backup/in"), At("backup/db/in"), At("state/in")}) {
    const Ended ended = Backup(target);
    EXPECT_EQ(ended.code, 4);
    EXPECT_THAT(ended.err, HasSubstr(", a state directory or a backup; nothing was changed. "));
    EXPECT_EQ(RunTrident({"restore", At("backup"), target}).code, 4);
  }
  EXPECT_TRUE(FingerprintOf(temp_.path()) == before);
}

TEST_F(PlaceTest, AnEmptyFolderIsFilled) {
  fs::create_directories(At("empty"));
  EXPECT_EQ(Backup(At("empty/")).code, 0);
  EXPECT_TRUE(fs::exists(At("empty/BACKUP")));
}

TEST_F(PlaceTest, WhatAnInterruptedCopyLeftIsNamed) {
  fs::create_directories(At("backup.partial"));
  const Ended ended = Backup(At("backup"));
  EXPECT_EQ(ended.code, 4);
  EXPECT_THAT(ended.err, HasSubstr(Concat(At("backup.partial"),
                                          " is there, left by a copy that did not end")));
  EXPECT_TRUE(fs::exists(At("backup.partial")));
}

TEST_F(PlaceTest, NothingIsLeftWhenNoTopologyAnswers) {
  const Ended ended = RunTrident({"backup", At("backup"), "--address", "127.0.0.1:1"});
  EXPECT_EQ(ended.code, 3);
  EXPECT_TRUE(fs::is_empty(temp_.path()));
}

TEST_F(PlaceTest, ADirectoryThatIsRunningIsNotCopiedAsOneAtRest) {
  const ServedWords words;
  const Ended ended = RunTrident({"backup", At("backup"), "--from", words.state()});
  EXPECT_EQ(ended.code, 4);
  EXPECT_THAT(ended.err,
              ContainsRegex(" is in use by process [0-9]+; while it runs, `trident backup TARGET` "
                            "without --from copies what it holds\n$"));
  EXPECT_TRUE(fs::is_empty(temp_.path()));
  EXPECT_THAT(RunTrident({"deadletters", "list", "--from", words.state()}).err,
              ContainsRegex(" is in use by process [0-9]+; while it runs, `trident deadletters` "
                            "without --from asks it\n$"));
}

TEST_F(PlaceTest, ALinkIsRefusedBeforeAnythingIsCopied) {
  fs::create_symlink("nowhere", At("lost"));
  fs::create_directories(At("empty"));
  fs::create_symlink("empty", At("link"));
  for (const std::string name : {"lost", "link", "link/"}) {
    const Ended ended = Backup(At(name));
    EXPECT_EQ(ended.code, 4) << name;
    EXPECT_THAT(ended.err, HasSubstr(" is a symbolic link; nothing was changed. Give the place "));
  }
  EXPECT_TRUE(fs::is_empty(At("empty")));
}

TEST_F(PlaceTest, ACopyThatDidNotEndIsNoStateDirectory) {
  ASSERT_EQ(Backup(At("backup")).code, 0);
  fs::rename(At("backup"), At("x.partial"));
  fs::remove(At("x.partial/BACKUP"));
  fs::remove(At("x.partial/db/CURRENT"));
  WriteText(At("text"), "one\n");
  const std::string before = FingerprintOf(At("x.partial"));
  for (const std::string name : {"x.partial", "x.partial/"}) {
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"run", "--state", At(name)},
          {"explain", "--against", At(name)}}) {
      std::vector<std::string> words = {"wordcount", command[0], "--input", At("text")};
      words.insert(words.end(), command.begin() + 1, command.end());
      const Ended ended = RunProgramToEnd(words);
      EXPECT_EQ(ended.code, 2);
      EXPECT_THAT(ended.err, HasSubstr(At(name) + " is no state directory: a backup or restore "
                                                  "that did not end left it"));
    }
  }
  EXPECT_TRUE(FingerprintOf(At("x.partial")) == before);
  // A name is free.
  ASSERT_EQ(
      RunProgramToEnd({"wordcount", "run", "--input", At("text"), "--state", At("y.partial")}).code,
      0);
  EXPECT_EQ(
      RunProgramToEnd({"wordcount", "run", "--input", At("text"), "--state", At("y.partial")}).code,
      0);
}

TEST_F(PlaceTest, WhatIsNoBackupIsNotRestored) {
  const Ended no_backup = RunTrident({"restore", FoldedDirectory::Get().path(), At("back")});
  EXPECT_EQ(no_backup.code, 2);
  EXPECT_THAT(no_backup.err, HasSubstr("found no file BACKUP in it"));
  const Ended left = RunTrident({"restore", At("x.partial"), At("back")});
  EXPECT_EQ(left.code, 1) << "it is not there";
  const Ended nothing = RunTrident({"restore", At("nothing"), At("back")});
  EXPECT_EQ(nothing.code, 1);
  EXPECT_TRUE(fs::is_empty(temp_.path()));
}

// ---- damage ----

TEST_F(PlaceTest, ABitThatFlipsInAnyFileOfABackupIsNoticed) {
  ASSERT_EQ(Backup(At("backup")).code, 0);
  Rng rng(5);
  for (const fs::path& file : FilesOf(At("backup"))) {
    for (int flip = 0; flip < 3 && fs::file_size(file) > 0; ++flip) {
      const uint64_t bit = rng.Below(8 * fs::file_size(file));
      SCOPED_TRACE(Concat(file.string(), " bit ", bit));
      FlipBit(file, bit);
      const Ended ended = RunTrident({"restore", At("backup"), At("back")});
      EXPECT_TRUE(ended.code == 5 || ended.code == 4) << ended.code << ended.err;
      EXPECT_THAT(ended.err, HasSubstr(At("backup")));
      EXPECT_FALSE(fs::exists(At("back")));
      EXPECT_FALSE(fs::exists(At("back.partial")));
      FlipBit(file, bit);
    }
  }
  EXPECT_EQ(RunTrident({"restore", At("backup"), At("back")}).code, 0);
}

TEST_F(PlaceTest, AFileOfABackupThatIsLostOrCutIsNoticed) {
  ASSERT_EQ(Backup(At("backup")).code, 0);
  for (const fs::path& file : FilesOf(At("backup"))) {
    if (fs::file_size(file) == 0) continue;
    SCOPED_TRACE(file.string());
    const std::string text = ReadText(file);
    WriteText(file, text.substr(0, text.size() - 1));
    EXPECT_NE(RunTrident({"restore", At("backup"), At("back")}).code, 0);
    WriteText(file, text + "x");
    EXPECT_NE(RunTrident({"restore", At("backup"), At("back")}).code, 0);
    fs::remove(file);
    EXPECT_NE(RunTrident({"restore", At("backup"), At("back")}).code, 0);
    EXPECT_FALSE(fs::exists(At("back")));
    WriteText(file, text);
  }
  EXPECT_EQ(RunTrident({"restore", At("backup"), At("back")}).code, 0);
}

// A directory that is damaged itself gives no backup.
TEST_F(PlaceTest, ADamagedDirectoryIsNotBackedUp) {
  FoldedDirectory::Get().CopyTo(At("copy"));
  // In the rows: a file of few rows has at that place what is read when it is opened.
  constexpr uintmax_t kManyRows = 2048;
  size_t damaged = 0;
  for (const fs::path& file : FilesOf(At("copy"))) {
    if (file.extension() != ".sst" || fs::file_size(file) < kManyRows) continue;
    FlipBit(file, 8 * 20);
    ++damaged;
  }
  ASSERT_GT(damaged, 0u);
  const Ended ended = RunTrident({"backup", At("backup"), "--from", At("copy")});
  EXPECT_EQ(ended.code, 5);
  EXPECT_THAT(ended.err, HasSubstr("was read again and is not whole; nothing of it is kept: "));
  EXPECT_FALSE(fs::exists(At("backup")));
  // The copy is gone, so it is not named, and the advice stands there once.
  EXPECT_THAT(ended.err, HasSubstr(At("copy") + "/db/"));
  EXPECT_THAT(ended.err, Not(HasSubstr(".partial")));
  EXPECT_THAT(ended.err, Not(HasSubstr("from a backup")));
  EXPECT_THAT(ended.err, EndsWith(". `trident state verify` tells whether that is damaged, or the "
                                  "disk of the copy\n"));
}

// ---- what comes over a network ----

TEST(BackupFolderTest, NamesThatLeadOutOfTheFolderAreRefused) {
  TempDir temp;
  for (const char* name : {"../x", "/etc/x", "db/../../x", "db/", "db/.", "db/..", "db/a/b", "x",
                           "other/x", "db/a\nb", "", "BACKUP", "db//x"}) {
    const auto folder = BackupFolder::Make(temp.path() + "/backup");
    ASSERT_TRUE(folder.ok()) << folder.status();
    const Status begun =
        (*folder)->Begin({{"FORMAT", "", 1}, {"db/CURRENT", "", 1}, {name, "", 1}});
    EXPECT_EQ(begun.code(), StatusCode::kInvalidArgument) << name;
  }
  EXPECT_TRUE(fs::is_empty(temp.path()));
}

TEST(BackupFolderTest, BytesThatLackOrAreTooManyAreNoticed) {
  TempDir temp;
  const auto make = [&] { return *BackupFolder::Make(temp.path() + "/backup"); };
  const std::vector<BackupFile> files = {
      {"FORMAT", "", 3}, {"HIGHWATER", "", 0}, {"db/CURRENT", "", 4}, {"db/LAST", "", 0}};
  {
    const auto folder = make();
    ASSERT_TRUE(folder->Begin(files).ok());
    ASSERT_TRUE(folder->Add("1234").ok());
    EXPECT_EQ(folder->Close(BackupFolder::List::kWrite).code(), StatusCode::kDataLoss);
  }
  {
    const auto folder = make();
    ASSERT_TRUE(folder->Begin(files).ok());
    EXPECT_EQ(folder->Add("12345678").code(), StatusCode::kDataLoss);
  }
  EXPECT_EQ(make()->Begin({{"FORMAT", "", 1}, {"FORMAT", "", 1}, {"db/CURRENT", "", 1}}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(make()->Begin({{"FORMAT", "", 1}}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(make()->Close(BackupFolder::List::kWrite).code(), StatusCode::kDataLoss);
  {
    const auto folder = make();
    ASSERT_TRUE(folder->Begin(files).ok());
    for (const char* part : {"12", "34", "567"}) ASSERT_TRUE(folder->Add(part).ok());
    ASSERT_TRUE(folder->Close(BackupFolder::List::kWrite).ok());
    ASSERT_TRUE(folder->Publish().ok());
  }
  EXPECT_EQ(ReadText(temp.path() + "/backup/FORMAT"), "123");
  EXPECT_EQ(ReadText(temp.path() + "/backup/db/CURRENT"), "4567");
  const auto listed = ReadBackupList(temp.path() + "/backup");
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_EQ(listed->size(), 4u);
  EXPECT_EQ((*listed)[2].checksum, HashBytes("4567"));
}

}  // namespace
}  // namespace trident
