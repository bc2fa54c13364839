// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/new_command.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/spelling.h"
#include "base/version.h"
#include "coordinator/cli/json.h"

namespace trident {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNameCharactersMax = 64;
// Targets and folders that a build has already.
constexpr std::array<std::string_view, 12> kTakenNames = {
    "CMakeFiles", "Testing", "all",     "clean",          "edit_cache",    "help",
    "install",    "lib",     "package", "package_source", "rebuild_cache", "test"};

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsNamePart(char c) { return IsLetter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

// The name becomes that of a folder, a program, a topology and three targets of CMake.
Status CheckName(const std::string& name) {
  if (name.empty() || name.size() > kNameCharactersMax || !IsLetter(name.front()) ||
      !std::all_of(name.begin(), name.end(), IsNamePart)) {
    return InvalidArgument("expected a name of letters, digits, - and _ that begins with a letter ",
                           "and has at most ", kNameCharactersMax, " characters, found '", name,
                           name.find('/') == std::string::npos
                               ? "'"
                               : "'; where the project is made is said with --dir");
  }
  if (std::find(kTakenNames.begin(), kTakenNames.end(), name) != kTakenNames.end()) {
    return InvalidArgument("the name '", name,
                           "' is one that CMake uses itself; choose another one");
  }
  return {};
}

StatusOr<const ProjectTemplate*> FindTemplate(const std::string& name) {
  for (const ProjectTemplate& found : ProjectTemplates()) {
    if (found.name == name) return &found;
  }
  return InvalidArgument("there is no template '", name, "'",
                         SpellingHint(name, "templates", TemplateNames()));
}

std::string Replaced(std::string text, std::string_view what, std::string_view by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

Status WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno != EINTR) return FailedPrecondition(std::strerror(errno));
    if (n > 0) text.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

// The folder of a project that is being made.
class ProjectFolder {
 public:
  explicit ProjectFolder(const NewArgs& args)
      : path_((fs::path(args.dir) / args.name).lexically_normal().string()), dir_(args.dir) {}

  const std::string& path() const { return path_; }
  // The files that were made, with their paths.
  const std::vector<std::string>& files() const { return files_; }

  // Makes it, unless it is there and empty.
  Status Make();
  // On an error the file may be there in part.
  Status Write(std::string_view name, std::string_view text);
  // Removes what was made. Returns what stays, because it could not be removed.
  std::vector<std::string> TakeBack();

 private:
  Status CheckEmpty() const;

  const std::string path_;
  const std::string dir_;
  bool is_made_ = false;  // by us
  std::vector<std::string> files_;
};

Status ProjectFolder::Make() {
  if (::mkdir(path_.c_str(), 0777) == 0) {
    is_made_ = true;
    return {};
  }
  const int error = errno;
  if (error == EEXIST) return CheckEmpty();
  const std::string refused =
      Concat("cannot make the folder '", path_, "': ", std::strerror(error));
  if (error == ENOENT) {
    return NotFound(refused, "; make '", dir_, "' first, or choose another one with --dir");
  }
  return FailedPrecondition(refused, "; choose another place with --dir");
}

Status ProjectFolder::CheckEmpty() const {
  std::error_code error;
  if (!fs::is_directory(path_, error)) {
    return FailedPrecondition("'", path_,
                              "' is there and is no folder; nothing was changed. Choose another "
                              "name, or another place with --dir");
  }
  const bool is_empty = fs::is_empty(path_, error);
  if (error) return FailedPrecondition("cannot look into '", path_, "': ", error.message());
  if (is_empty) return {};
  return FailedPrecondition("the folder '", path_,
                            "' is there and is not empty; nothing was changed. Choose another "
                            "name, or another place with --dir");
}

Status ProjectFolder::Write(std::string_view name, std::string_view text) {
  const std::string file = Concat(path_, "/", name);
  const auto refused = [&](const char* why) {
    return FailedPrecondition("cannot write '", file, "': ", why);
  };
  // Never over a file that somebody else has just made.
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return refused(std::strerror(errno));
  files_.push_back(file);
  const Status written = WriteAll(fd, text);
  const int closed = ::close(fd);
  if (!written.ok()) return refused(std::string(Message(written)).c_str());
  return closed == 0 ? absl::OkStatus() : refused(std::strerror(errno));
}

std::vector<std::string> ProjectFolder::TakeBack() {
  std::vector<std::string> stays;
  for (const std::string& file : files_) {
    if (::unlink(file.c_str()) != 0) stays.push_back(file);
  }
  if (is_made_ && ::rmdir(path_.c_str()) != 0) stays.push_back(path_);
  return stays;
}

// What becomes of a project that could not be written whole.
Status TakenBack(const Status& error, ProjectFolder& folder) {
  const std::vector<std::string> stays = folder.TakeBack();
  if (stays.empty()) return FailedPrecondition(Message(error), "; nothing is left of the project");
  std::string names;
  for (const std::string& path : stays) names += Concat(names.empty() ? "'" : ", '", path, "'");
  return FailedPrecondition(Message(error), "; these are left and could not be removed: ", names);
}

Status WriteProject(const NewArgs& args, ProjectFolder& folder) {
  TRIDENT_RETURN_IF_ERROR(CheckName(args.name));
  TRIDENT_ASSIGN_OR_RETURN(const ProjectTemplate* from, FindTemplate(args.from));
  TRIDENT_RETURN_IF_ERROR(folder.Make());
  // Within a minor version nothing changes that a project would notice.
  const std::string_view version = kVersion.substr(0, kVersion.rfind('.'));
  for (const TemplateFile& file : from->files) {
    const std::string text =
        Replaced(Replaced(std::string(file.text), "@NAME@", args.name), "@VERSION@", version);
    const Status written = folder.Write(file.name, text);
    if (!written.ok()) return TakenBack(written, folder);
  }
  return {};
}

}  // namespace

std::vector<std::string> TemplateNames() {
  std::vector<std::string> names;
  for (const ProjectTemplate& found : ProjectTemplates()) names.push_back(found.name);
  return names;
}

ExitCode NewProject(const NewArgs& args, Console& console) {
  ProjectFolder folder(args);
  const Status written = WriteProject(args, folder);
  if (!written.ok()) return Report(console, written);
  if (console.json()) {
    std::vector<std::string> files;
    for (const std::string& file : folder.files()) files.push_back(JsonText(file));
    console.out << JsonObject()
                       .Add("project", JsonText(args.name))
                       .Add("template", JsonText(args.from))
                       .Add("folder", JsonText(folder.path()))
                       .Add("files", JsonArray(files))
                       .Done()
                << '\n';
    return ExitCode::kOk;
  }
  for (const std::string& file : folder.files()) console.out << OneLine(file) << '\n';
  console.err << "(project " << args.name << ", from the template " << args.from
              << "; its README.md tells how to build it, run it and ask it)\n";
  return ExitCode::kOk;
}

}  // namespace trident
