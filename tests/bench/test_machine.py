"""What is told of the machine, from files of a kernel."""

import pytest
from bench.machine import machine, usable_cores

PROCESSOR = "processor\t: 0\nmodel name\t: Some   CPU @ 3 GHz\nflags\t\t: fpu{}\n\nprocessor\t: 1\n"


def kernel(root, flags: str = "", **dmi: str):
    (root / "proc").mkdir()
    (root / "proc/cpuinfo").write_text(PROCESSOR.format(flags))
    (root / "sys/class/dmi/id").mkdir(parents=True)
    for name, value in dmi.items():
        (root / "sys/class/dmi/id" / name).write_text(f"{value}\n")
    return root


def test_the_processor_is_named(tmp_path):
    told = machine(kernel(tmp_path))
    assert told["cpu"] == "Some CPU @ 3 GHz"
    assert told["cores"] == len(usable_cores())
    assert told["virtualised"] is False


@pytest.mark.parametrize(
    ("dmi", "said"), [({}, True), ({"sys_vendor": "Vendor", "product_name": "Cloud"}, "Vendor Cloud")]
)
def test_a_guest_says_whose_it_is_where_it_is_told(tmp_path, dmi, said):
    assert machine(kernel(tmp_path, " hypervisor", **dmi))["virtualised"] == said


def test_a_system_that_says_nothing_is_not_guessed_at(tmp_path):
    assert machine(tmp_path)["virtualised"] is None
