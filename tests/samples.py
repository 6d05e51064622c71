"""Samples of tools' exports for tests: the project's own, and those of others, which may lie beside the checkout.

What others exported is no part of the project. Where `shared/data/scanner_samples` lies beside the checkout (or where
the variable `CYBERSCORE_SAMPLES` says), tests read it; where it does not, they are skipped, and the same promises are
held by the project's own small files.
"""

import gzip
import os
from pathlib import Path

import pytest

OWN = Path(__file__).parent / "data" / "readers"
OTHERS = Path(os.environ.get("CYBERSCORE_SAMPLES") or Path(__file__).parents[2] / "shared" / "data" / "scanner_samples")
READER_OF = {"prowler_csv": "prowler", "prowler_ocsf": "ocsf"}
"""Folders of `OTHERS` that are not named as the reader of their files."""
GRAPH = {"secureScores.json": "secure_score", "userRegistrationDetails.json": "graph_registration"}
NOT_READ = {
    "aws_inspector2/aws_inspector2_many_vul.json": "AWS Inspector",
    "aws_securityhub_asff/many_vulns.json": "AWS Security Hub",
    "azure_defender_cloud/many_vulns.csv": "Microsoft Defender for Cloud",
    "dockerbench/docker-bench-report-many-vulns.json": "Docker Bench for Security",
    "kube_bench/kube-bench-report-many-vuln.json": "kube-bench",
    "mozilla_observatory/nmap_scanme.json": "Mozilla HTTP Observatory",
    "ms_defender_tvm/report_many_vulns.json": "Microsoft Defender Vulnerability Management",
    "openscap/arf_simple_rule_fail.xml": "OpenSCAP",
    "openscap/ios-sample-v1.1.3.xccdf.xml": "OpenSCAP",
    "openscap/one_vuln_rhsa.xml": "OpenSCAP",
    "redhat_satellite/many_packages.json": "Red Hat Satellite",
    "risk_recon/findings.json": "RiskRecon",
    "scubagoggles/FullyAutomatedChecks.csv": "ScubaGoggles",
    "scubagoggles/ScubaResults_goggles.json.gz": "ScubaGoggles",
    "scubagoggles/TestResults.json": "ScubaGoggles",
    "ssh_audit/many_vulns.json": "ssh-audit",
    "wiz/resolved_findings.csv": "Wiz",
}
"""Files of `OTHERS` that no reader takes, and the tool that is told."""


def others(name: str) -> Path:
    """Where a sample of others lies; a test that asks for one that is not there is skipped."""
    path = OTHERS / name
    if not path.is_file():
        pytest.skip(f"{name} is an export of others and no part of the project: put the samples at {OTHERS}")
    return path


def plain(path: Path) -> bytes:
    """Bytes of a sample, unpacked."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def samples() -> dict[str, list[Path]]:
    """All samples that are there, by the name of their reader, the project's own first."""
    found: dict[str, list[Path]] = {}
    for path in sorted(OWN.glob("*/*")):
        found.setdefault(path.parent.name, []).append(path)
    for path in sorted(OTHERS.glob("*/*")):
        folder = path.parent.name
        name = GRAPH.get(path.name) if folder == "ms_graph" else READER_OF.get(folder, folder)
        if name in found and f"{folder}/{path.name}" not in NOT_READ:
            found[name].append(path)
    return found
