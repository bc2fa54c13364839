// SPDX-License-Identifier: Apache-2.0
//
// `trident new`: writes a small project that builds against the installed library.
#ifndef TRIDENT_COORDINATOR_CLI_NEW_COMMAND_H_
#define TRIDENT_COORDINATOR_CLI_NEW_COMMAND_H_

#include <string>
#include <vector>

#include "coordinator/cli/console.h"
#include "coordinator/cli/templates.h"

namespace trident {

// What someone typed behind `trident new`.
struct NewArgs {
  std::string name;
  std::string from = kDefaultTemplate;  // the name of the template
  std::string dir = ".";                // the project's folder is made in it
};

std::vector<std::string> TemplateNames();

// Writes the template's files into the folder `name` in `dir`, which is made, or is there and
// empty. Prints the files. When one cannot be written, all that was made is removed, and what could
// not be removed is named.
ExitCode NewProject(const NewArgs& args, Console& console);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_NEW_COMMAND_H_
