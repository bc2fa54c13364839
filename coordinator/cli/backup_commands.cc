// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/backup_commands.h"

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "coordinator/cli/directory/backup_folder.h"
#include "coordinator/cli/directory/findings.h"
#include "coordinator/cli/directory_commands.h"
#include "coordinator/cli/json.h"

namespace trident {
namespace {

using Cut = std::map<GroupId, TxId>;

// "at txid 7", "at txid 7 of group 0, 9 of group 1", "before the first txid".
std::string CutText(const Cut& cut) {
  if (cut.empty()) return "before the first txid";
  if (cut.size() == 1) return Concat("at txid ", cut.begin()->second.value());
  std::string out;
  for (const auto& [group, txid] : cut) {
    out += Concat(out.empty() ? "at txid " : ", ", txid.value(), " of group ", group.value());
  }
  return out;
}

void Print(Console& console, const std::string& place, const BackupFolder& made, const Cut& cut) {
  if (!console.json()) {
    console.out << OneLine(place) << ": " << made.files() << " files, " << made.bytes()
                << " bytes, " << CutText(cut) << '\n';
    return;
  }
  std::vector<std::string> groups;
  for (const auto& [group, txid] : cut) {
    groups.push_back(JsonObject()
                         .Add("group", JsonNumber(group.value()))
                         .Add("decided", JsonNumber(txid.value()))
                         .Done());
  }
  console.out << JsonObject()
                     .Add("directory", JsonText(place))
                     .Add("files", JsonNumber(made.files()))
                     .Add("bytes", JsonNumber(made.bytes()))
                     .Add("groups", JsonArray(groups))
                     .Done()
              << '\n';
}

// What a copy was made of, for the message if the copy is not whole.
struct Source {
  std::string name;
  std::string_view advice;
};

// The copy is removed; so the message names what it was made of.
Status NotWhole(const Status& found, const std::string& partial, const Source& source) {
  std::string text = WithoutAdvice(Message(found));
  for (size_t at = text.find(partial); at != std::string::npos; at = text.find(partial, at)) {
    text.replace(at, partial.size(), source.name);
    at += source.name.size();
  }
  return Status(found.code(),
                Concat("the copy was read again and is not whole; nothing of it is kept: ", text,
                       ". ", source.advice));
}

// Reads what was written again, and gives it its name.
StatusOr<Cut> Finish(BackupFolder& folder, BackupFolder::List list, const Source& source) {
  TRIDENT_RETURN_IF_ERROR(folder.Close(list));
  StatusOr<Cut> cut = CutOfWhole(folder.partial());
  if (!cut.ok()) return NotWhole(cut.status(), folder.partial(), source);
  TRIDENT_RETURN_IF_ERROR(folder.Publish());
  return cut;
}

StatusOr<Cut> CopyRunning(Client& client, BackupFolder& folder) {
  TRIDENT_RETURN_IF_ERROR(
      client.Backup([&](std::vector<BackupFile> files) { return folder.Begin(std::move(files)); },
                    [&](std::string_view bytes) { return folder.Add(bytes); }));
  return Finish(folder, BackupFolder::List::kWrite,
                {.name = "the directory of the topology",
                 .advice = "Stop the topology, and see with `trident state verify` whether its "
                           "directory is damaged, or the disk of the copy"});
}

StatusOr<Cut> CopyAtRest(const std::string& dir, BackupFolder& folder) {
  TRIDENT_ASSIGN_OR_RETURN(const BackupFiles files, FilesAtRest(dir));
  TRIDENT_RETURN_IF_ERROR(folder.Begin(files.files));
  TRIDENT_RETURN_IF_ERROR(CopyFiles(files.files, folder));
  return Finish(folder, BackupFolder::List::kWrite,
                {.name = dir,
                 .advice = "`trident state verify` tells whether that is damaged, or the disk of "
                           "the copy"});
}

StatusOr<Cut> CopyBack(const std::string& backup, const std::vector<ListedFile>& listed,
                       BackupFolder& folder) {
  std::vector<BackupFile> files;
  for (const ListedFile& file : listed) files.push_back(file.file);
  TRIDENT_RETURN_IF_ERROR(folder.Begin(std::move(files)));
  TRIDENT_RETURN_IF_ERROR(CopyListed(listed, folder));
  return Finish(folder, BackupFolder::List::kNone,
                {.name = backup, .advice = "Use another backup, or another disk"});
}

}  // namespace

ExitCode BackupRunning(Client& client, const std::string& target, Console& console) {
  const auto folder = BackupFolder::Make(target);
  if (!folder.ok()) return ReportDirectory(console, folder.status());
  const StatusOr<Cut> cut = CopyRunning(client, **folder);
  if (!cut.ok()) return Report(console, cut.status());
  Print(console, target, **folder, *cut);
  return ExitCode::kOk;
}

ExitCode BackupDirectory(const std::string& dir, const std::string& target, Console& console) {
  const auto folder = BackupFolder::Make(target);
  if (!folder.ok()) return ReportDirectory(console, folder.status());
  const StatusOr<Cut> cut = CopyAtRest(dir, **folder);
  if (!cut.ok()) return ReportDirectory(console, cut.status());
  Print(console, target, **folder, *cut);
  return ExitCode::kOk;
}

ExitCode RestoreBackup(const std::string& backup, const std::string& dir, Console& console) {
  const StatusOr<std::vector<ListedFile>> listed = ReadBackupList(backup);
  if (!listed.ok()) return ReportDirectory(console, listed.status());
  const auto folder = BackupFolder::Make(dir);
  if (!folder.ok()) return ReportDirectory(console, folder.status());
  const StatusOr<Cut> cut = CopyBack(backup, *listed, **folder);
  if (!cut.ok()) return ReportDirectory(console, cut.status());
  Print(console, dir, **folder, *cut);
  return ExitCode::kOk;
}

}  // namespace trident
