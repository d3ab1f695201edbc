#include "cli/help.hpp"

namespace netlend::cli {

const char* const kVersion = "netlend " NETLEND_VERSION;
const char* const kVersionText = "netlend " NETLEND_VERSION "\n";

const char* const kProgramDescription =
    "Lends network devices to containers, and gets them back as they were.\n"
    "\n"
    "  netlend [OPTION]... VERB ...          netlend VERB --help explains a verb";

const char* const kForceHelp = "lend despite the default route, or despite losses";

const char* const kBundleVerbsHelp =
    "OCI bundles, as for runc: create, start, state, kill, delete, list, inject";

const VerbHelp kRunHelp{
    .name = "run",
    .description =
        "run a command, or an OCI bundle, with lent devices\n"
        "\n"
        "  netlend run [--nic SPEC]... [--l3 SPEC]... -- COMMAND [ARG]...\n"
        "  netlend run [--nic SPEC]... [--l3 SPEC]... [--bundle DIR] [--detach] ID",
    .footer =
        "SPEC is 'INSIDE=SOURCE [WORD]...': INSIDE is the device's name in the container,\n"
        "SOURCE the device: NAME, dev:NAME, alt:NAME, mac:MAC, pci:ADDRESS, or\n"
        "veth:[HOST-NAME] for a pair that is made and removed again. Words:\n"
        "  addr=CIDR  gw=IP [onlink=yes]  route=CIDR[@IP]  mtu=BYTES  mac=MAC  up=no\n"
        "  dad=no  keep=addresses  as=NAME; of a pair also  bridge=NAME  host-addr=CIDR\n"
        "addr=, route= and host-addr= may be repeated, gw= is one a family.\n"
        "\n"
        "SPEC of --l3 is 'ADDRESS... [WORD]...': addresses of this machine, which goes on\n"
        "without them until they come home. Words:\n"
        "  via=DEVICE  as=NAME (of the device inside; default: eth0)  broadcast=yes\n"
        "  ports=N[-M]... (only these; the address stays this machine's)\n"
        "  mode=auto|kernel|routed|netkit|ipvlan|macvlan\n"
        "  loopback=own|shared (shared: this machine's, in mode kernel)\n"
        "\n"
        "The command sees the host's root read-only, with /root, /home and /run empty,\n"
        "and has namespaces of its own. A bundle is what its config.json says.\n"
        "The devices come home when it ends.\n"
        "Exit code: the command's; 125 netlend failed, 126 the command can't be\n"
        "executed, 127 it was not found.\n"
        "\n"
        "  netlend run --nic 'eth0=enp3s0f1 addr=10.0.0.2/24' -- ping 10.0.0.1\n"
        "  netlend run --l3 192.0.2.10 -- /usr/sbin/nginx -g 'daemon off;'"};

const VerbHelp kCreateHelp{
    .name = "create",
    .description =
        "make a container from an OCI bundle\n"
        "\n"
        "  netlend create [--nic SPEC]... [--l3 SPEC]... [--bundle DIR] ID",
    .footer =
        "SPEC is explained by 'netlend run --help'. Annotations of config.json can ask\n"
        "for the same, where 'netlend allow' lets them."};

const VerbHelp kStartHelp{.name = "start",
                          .description =
                              "start a container that was created\n"
                              "\n"
                              "  netlend start ID",
                          .footer = ""};

const VerbHelp kStateHelp{.name = "state",
                          .description =
                              "print the state of a container as JSON\n"
                              "\n"
                              "  netlend state ID",
                          .footer = ""};

const VerbHelp kKillHelp{.name = "kill",
                         .description =
                             "send a signal to a container\n"
                             "\n"
                             "  netlend kill [--all] ID [SIGNAL]",
                         .footer = ""};

const VerbHelp kDeleteHelp{.name = "delete",
                           .description =
                               "remove a container, and bring its devices home\n"
                               "\n"
                               "  netlend delete [--force] ID",
                           .footer = ""};

const VerbHelp kListHelp{.name = "list",
                         .description =
                             "list the containers\n"
                             "\n"
                             "  netlend list [--format table|json] [--quiet]",
                         .footer = ""};

const VerbHelp kInjectHelp{
    .name = "inject",
    .description =
        "have another runtime make a bundle for mode kernel\n"
        "\n"
        "  netlend inject [--bundle DIR] ID",
    .footer =
        "Where the annotations of config.json ask for addresses that can be lent in mode\n"
        "kernel, config.json is changed: it names an L3 network namespace, which is made\n"
        "for the next container of the bundle, and netlend-hook, which lends to it, and it\n"
        "lacks the capabilities that such a container may not have. Any other is left as\n"
        "it is. To be called before each 'runc create' or 'runc run'.\n"
        "\n"
        "  netlend inject --bundle web web && runc run --bundle web web"};

const VerbHelp kLendHelp{
    .name = "lend",
    .description =
        "lend a device, or addresses, by hand\n"
        "\n"
        "  netlend lend DEVICE --to WHO [WORD]...\n"
        "  netlend lend ADDRESS... --to WHO [WORD]...\n"
        "  netlend lend --plan FILE --to WHO",
    .footer =
        "WHO is pid:N, netns:NAME (of /run/netns), netns:/PATH, or the ID of a container\n"
        "that netlend runs or has lent to. WORD is as in a SPEC (netlend run --help), and\n"
        "name=INSIDE gives the device another name inside; of addresses, it is as in a\n"
        "SPEC of --l3. What is lent comes home by 'netlend return', or when the borrower\n"
        "ends.\n"
        "\n"
        "  netlend lend enp3s0f1 --to netns:blue name=eth0 addr=10.0.0.2/24\n"
        "  netlend lend 192.0.2.10 --to netns:blue"};

const VerbHelp kReturnHelp{
    .name = "return",
    .description =
        "bring a device home now\n"
        "\n"
        "  netlend return [--forget] WHAT...",
    .footer =
        "WHAT is a device by its name at home, altname or name inside, or as it was at\n"
        "home by dev:NAME, alt:NAME, mac:MAC or pci:ADDRESS; or all that a borrower has,\n"
        "by ID, pid:N, netns:NAME or netns:/PATH. Devices that were lent together come\n"
        "home together.\n"
        "--forget closes the loan of a device that was deleted, is nowhere to be found or\n"
        "can't be made what it was: it says what is given up, and leaves a device that is\n"
        "home as it is now. What can be brought home still is."};

const VerbHelp kLoansHelp{.name = "loans",
                          .description =
                              "list what is lent, to whom, and how it will come home\n"
                              "\n"
                              "  netlend loans",
                          .footer = ""};

const VerbHelp kPlanHelp{.name = "plan",
                         .description =
                             "say what run or lend would change; change nothing\n"
                             "\n"
                             "  netlend plan run|lend ...",
                         .footer = "Exit code: 1 if it would be refused."};

const VerbHelp kPlanRunHelp{
    .name = "run",
    .description =
        "the same words as for 'netlend run'\n"
        "\n"
        "  netlend plan run [--nic SPEC]... [--l3 SPEC]... [-- COMMAND ...]\n"
        "  netlend plan run [--nic SPEC]... [--l3 SPEC]... [--bundle DIR] ID",
    .footer = "The command is not run."};

const VerbHelp kPlanLendHelp{.name = "lend",
                             .description =
                                 "the same words as for 'netlend lend'\n"
                                 "\n"
                                 "  netlend plan lend DEVICE --to WHO [WORD]...",
                             .footer = ""};

const VerbHelp kShowHelp{.name = "show",
                         .description =
                             "show this namespace, the borrowers' and their devices\n"
                             "\n"
                             "  netlend show",
                         .footer = "json has all that netlend restores, the sysctls included."};

const VerbHelp kReapHelp{.name = "reap",
                         .description =
                             "bring home what the dead hold\n"
                             "\n"
                             "  netlend reap [--all [--yes]]",
                         .footer = ""};

const VerbHelp kDoctorHelp{
    .name = "doctor",
    .description =
        "say what this kernel and system can do\n"
        "\n"
        "  netlend doctor",
    .footer =
        "Each line is something that lending or a container needs: whether it is there,\n"
        "and if not, why and how to get it. Nothing is changed.\n"
        "Exit code: 1 if a main part can't work at all."};

const VerbHelp kAllowHelp{
    .name = "allow",
    .description =
        "let annotations ask for a device\n"
        "\n"
        "  netlend allow DEVICE [--to ID] [--cgroup PATH] [--bundle DIR] [--inside NAME]\n"
        "          [--address PREFIX]...\n"
        "  netlend allow veth:[HOST-NAME] [--bridge NAME] [--host-addresses]",
    .footer =
        "DEVICE, ID, PATH, DIR and NAME are shell patterns: quote them, and the * matches\n"
        "a / too. The device is meant whatever\n"
        "the annotation calls it; driver:NAME is as 'ethtool -i' says. veth: allows pairs\n"
        "whose host end has a name that is made up, veth:HOST-NAME such names too.\n"
        "--address none is for a device without addresses.\n"
        "The rule goes into /etc/netlend/conf.d/50-netlend-allow.conf.\n"
        "\n"
        "  netlend allow 'enp3s0f*' --to 'db*'"};

const VerbHelp kDisallowHelp{
    .name = "disallow",
    .description =
        "take back what was allowed, by the same words\n"
        "\n"
        "  netlend disallow DEVICE [--to ID] [--cgroup PATH] [--bundle DIR] [--inside NAME]\n"
        "          [--address PREFIX]...\n"
        "  netlend disallow veth:[HOST-NAME] [--bridge NAME] [--host-addresses]",
    .footer = "What is lent already stays lent."};

const VerbHelp kVersionHelp{.name = "version", .description = "print the version", .footer = ""};

}  // namespace netlend::cli
