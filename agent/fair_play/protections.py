"""Anti-cheat systems and online-only games, as data: their names and how they show.

A row lists file names (of programs, libraries, drivers and folders) that belong to one system
and to nothing else, in lower case.  ``agent.fair_play.judging`` looks for them.  The names are what
the makers' own installers put on players' machines.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Protection:
    """One anti-cheat system.

    Attributes:
        name: What players call it.
        what: What it is, in a few words.
        programs: Names of its running programs.
        files: Names of its libraries, drivers and folders: loaded by a game, or beside it.
        services: Names of its Windows services and drivers that run whether or not a game does.
        games: Names of games' programs that it protects, for those that show nothing else.
        off_switch: An argument of the game with which it does not protect that run.
    """

    name: str
    what: str
    programs: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    games: frozenset[str] = frozenset()
    off_switch: str = ""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split("|")) if text else frozenset()


PROTECTIONS: tuple[Protection, ...] = (
    Protection(
        "Easy Anti-Cheat",
        "the anti-cheat of Epic Games",
        programs=_names(
            "easyanticheat.exe|easyanticheat_eos.exe|easyanticheat_launcher.exe|"
            "start_protected_game.exe|easyanticheat_setup.exe|easyanticheat_eos_setup.exe"
        ),
        files=_names(
            "easyanticheat|easyanticheat_x64.dll|easyanticheat_x86.dll|easyanticheat.dll|"
            "easyanticheat_x64.so|easyanticheat_x86.so|easyanticheat.sys|easyanticheat_eos.sys|"
            "easyanticheat_setup.exe|easyanticheat_eos_setup.exe|start_protected_game.exe"
        ),
    ),
    Protection(
        "BattlEye",
        "an anti-cheat service",
        programs=_names("beservice.exe|beservice_x64.exe|belauncher.exe"),
        files=_names(
            "battleye|beclient.dll|beclient_x64.dll|beclient.so|beclient_x64.so|beservice.exe|"
            "beservice_x64.exe|bedaisy.sys|belauncher.exe"
        ),
    ),
    Protection(
        "Vanguard",
        "the anti-cheat of Riot Games, which runs from the system's start on",
        programs=_names("vgc.exe|vgtray.exe"),
        files=_names("vgk.sys|riot vanguard"),
        services=_names("vgc|vgk"),
        games=_names(
            "valorant.exe|valorant-win64-shipping.exe|league of legends.exe|leagueclient.exe"
        ),
    ),
    Protection(
        "FACEIT Anti-Cheat",
        "the anti-cheat of a league, which runs from the system's start on",
        programs=_names("faceitservice.exe|faceitclient.exe"),
        files=_names("faceit.sys"),
        services=_names("faceit|faceitservice"),
    ),
    Protection(
        "Valve Anti-Cheat",
        "the anti-cheat of Steam's secured servers; -insecure keeps a game away from them",
        games=_names(
            "cs2.exe|cs2|csgo.exe|csgo_linux64|tf.exe|tf_win64.exe|tf_linux64|dota2.exe|dota2|"
            "left4dead2.exe|hl2mp.exe|deadlock.exe|project8.exe"
        ),
        off_switch="-insecure",
    ),
    Protection(
        "nProtect GameGuard",
        "an anti-cheat of INCA Internet",
        programs=_names("gamemon.des|gamemon64.des"),
        files=_names(
            "gameguard|gameguard.des|gamemon.des|gamemon64.des|npggnt.des|npgamedll.dll|"
            "npptnt2.sys|dump_wmimmc.sys"
        ),
    ),
    Protection(
        "PunkBuster",
        "an anti-cheat of Even Balance",
        programs=_names("pnkbstra.exe|pnkbstrb.exe|pnkbstra|pnkbstrb"),
        files=_names(
            "pbcl.dll|pbcl.so|pbsv.dll|pbsv.so|pbag.dll|pnkbstra.exe|pnkbstrb.exe|pnkbstrk.sys|pbsvc.exe"
        ),
    ),
    Protection(
        "RICOCHET",
        "the anti-cheat of Call of Duty",
        files=_names("randgrid.sys"),
        games=_names(
            "cod.exe|cod22-cod.exe|cod23-cod.exe|cod24-cod.exe|modernwarfare.exe|"
            "blackopscoldwar.exe"
        ),
    ),
    Protection(
        "XIGNCODE3",
        "an anti-cheat of Wellbia",
        programs=_names("xcoronahost.xem|xxd-0.xem|xm.exe"),
        files=_names("xigncode|x3.xem|x3_x64.xem|xhunter1.sys|xcorona.xem|xcorona_x64.xem"),
    ),
    Protection(
        "EA AntiCheat",
        "the anti-cheat of Electronic Arts",
        programs=_names("eaanticheat.gameservice.exe|eaanticheat.gameservicelauncher.exe"),
        files=_names(
            "eaanticheat.gameservicelauncher.exe|eaanticheat.gameservicelauncher.dll|"
            "eaanticheat.installer.exe|eaanticheat.gameservice.exe|eaanticheat.sys|"
            "eaanticheat.cfg"
        ),
    ),
    Protection(
        "Denuvo Anti-Cheat",
        "an anti-cheat of Irdeto",
        programs=_names("denuvo-anti-cheat-update-service.exe"),
        files=_names(
            "denuvo anti-cheat|denuvo-anti-cheat.sys|denuvo-anti-cheat-runtime.dll|"
            "denuvo-anti-cheat-update-service-launcher.dll|"
            "denuvo-anti-cheat-crash-report.exe"
        ),
    ),
    Protection(
        "Anti-Cheat Expert",
        "the anti-cheat of Tencent",
        programs=_names("sguard64.exe|sguardsvc64.exe"),
        files=_names(
            "anticheatexpert|ace-base.sys|ace-game.sys|ace-boot.sys|ace-core.sys|acedriver.sys"
        ),
    ),
    Protection(
        "HoYoverse protection",
        "the anti-cheat of miHoYo's games",
        files=_names("mhyprot.sys|mhyprot2.sys|mhyprot3.sys|hoyokprotect.sys|mhypbase.dll"),
        games=_names("genshinimpact.exe|yuanshen.exe|starrail.exe|zenlesszonezero.exe"),
    ),
    Protection(
        "NetEase Anti-Cheat",
        "the anti-cheat of NetEase",
        programs=_names("neacclient.exe"),
        files=_names("neacclient.exe|neacsafe.sys|neacsafe64.sys|neacinterface.dll"),
    ),
    Protection(
        "BlackCipher",
        "the anti-cheat of Nexon",
        programs=_names("blackcipher.aes|blackcipher64.aes"),
        files=_names("blackcipher|blackcipher.aes|blackcipher64.aes|blackcall.aes|blackcall64.aes"),
    ),
    Protection(
        "HackShield",
        "an anti-cheat of AhnLab",
        programs=_names("hsupdate.exe"),
        files=_names("hshield|ehsvc.dll|hshield.dat"),
    ),
    Protection(
        "Hyperion",
        "the anti-cheat of Roblox",
        files=_names("robloxplayerbeta.dll"),
        games=_names("robloxplayerbeta.exe"),
    ),
    Protection(
        "Warden and Defense Matrix",
        "the anti-cheats of Blizzard's online games",
        games=_names("overwatch.exe|overwatch_loader.exe|wow.exe|wowclassic.exe|diablo iv.exe"),
    ),
)
"""All that are known; a test checks that no name is listed twice or could never be found."""
