"""Prints what is read from binaries, as a list in JSON: the format, the exports, and what they need of the system."""

import hashlib
import json
import sys

import lief

lief.logging.disable()


def elf(binary, _):
    requirements = (aux for need in binary.symbols_version_requirement for aux in need.get_auxiliary_symbols())
    tags = {entry.tag.name for entry in binary.dynamic_entries}
    stacks = [segment for segment in binary.segments if segment.type.name == "GNU_STACK"]
    return {
        "format": "ELF",
        "machine": binary.header.machine_type.name,
        "exports": sorted({symbol.name for symbol in binary.exported_symbols}),
        "libraries": list(binary.libraries),
        "versions": sorted({aux.name for aux in requirements}),
        "searches": sorted(tags & {"RPATH", "RUNPATH"}),
        "executableStack": not stacks or any("X" in str(segment.flags).split(".")[-1] for segment in stacks),
    }


def pe(binary, _):
    return {
        "format": "PE",
        "machine": binary.header.machine.name,
        "exports": sorted(entry.name for entry in binary.get_export().entries) if binary.has_exports else [],
        "libraries": [library.name for library in binary.imports] + [library.name for library in binary.delay_imports],
        "protections": sorted(flag.name for flag in binary.optional_header.dll_characteristics_lists),
    }


def macho(binary, path):
    imports = {}
    for symbol in binary.imported_symbols:
        library = symbol.binding_info.library.name if symbol.has_binding_info and symbol.binding_info.has_library else ""
        imports.setdefault(library, []).append(symbol.name)
    version = binary.build_version
    return {
        "format": "MACHO",
        "machine": binary.header.cpu_type.name,
        "exports": sorted({symbol.name for symbol in binary.exported_symbols}),
        "libraries": [library.name for library in binary.libraries if library.command.name != "ID_DYLIB"],
        "imports": {library: sorted(names) for library, names in imports.items()},
        "name": next((library.name for library in binary.libraries if library.command.name == "ID_DYLIB"), None),
        "system": f"{version.platform.name} {'.'.join(str(part) for part in version.minos[:2])}" if version else None,
        "searches": [path.path for path in binary.rpaths],
        "signed": signed(binary, path),
    }


def signed(binary, path):
    """Whether the signature is valid, or None without one: macOS ends a process that loads a page with another hash."""
    if not binary.has_code_signature:
        return None
    with open(path, "rb") as file:
        content = file.read()
    start = binary.code_signature.data_offset

    def number(at, size=4):
        return int.from_bytes(content[at : at + size], "big")

    if number(start) != 0xFADE0CC0:
        return False
    blobs = [start + number(start + 16 + 8 * index) for index in range(number(start + 8))]
    directories = [at for at in blobs if number(at) == 0xFADE0C02]
    for at in directories:
        hashes, pages, limit = at + number(at + 16), number(at + 28), number(at + 32)
        size, kind, page = content[at + 36], content[at + 37], 1 << content[at + 39]
        if kind != 2 or limit != start or pages != -(-limit // page):
            return False
        for index in range(pages):
            digest = hashlib.sha256(content[index * page : min((index + 1) * page, limit)]).digest()
            if digest[:size] != content[hashes + index * size : hashes + (index + 1) * size]:
                return False
    return len(directories) > 0


def facts(path):
    parsed = lief.parse(path)
    describe = {lief.ELF.Binary: elf, lief.PE.Binary: pe, lief.MachO.Binary: macho}.get(type(parsed))
    return describe(parsed, path) if describe else {"format": "unknown"}


print(json.dumps([facts(path) for path in sys.argv[1:]]))
