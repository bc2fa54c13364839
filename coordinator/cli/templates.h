// SPDX-License-Identifier: Apache-2.0
//
// The templates of `trident new`: the files below templates/. The build makes text of them
// (cmake/templates.cmake), so the command carries them and needs no folder of its own.
#ifndef TRIDENT_COORDINATOR_CLI_TEMPLATES_H_
#define TRIDENT_COORDINATOR_CLI_TEMPLATES_H_

#include <string>
#include <string_view>
#include <vector>

namespace trident {

struct TemplateFile {
  std::string_view name;  // in the project's folder
  std::string_view text;  // @NAME@ stands for the project's name, @VERSION@ for Trident's "0.1"
};

struct ProjectTemplate {
  std::string name;
  std::vector<TemplateFile> files;
};

// In alphabetical order, as are the files. Valid as long as the process.
const std::vector<ProjectTemplate>& ProjectTemplates();

inline constexpr char kDefaultTemplate[] = "wordcount";

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_TEMPLATES_H_
