"""Runs a module's unittest cases as TAP, so that Meson shows and counts every one."""

import sys
import traceback
import unittest


def _reason(err):
    """Of a failed check only where it stands and what it says: the frames above it are unittest's."""
    limit = -1 if issubclass(err[0], AssertionError) else None
    return "".join(traceback.format_exception(*err, limit=limit)).removeprefix("Traceback (most recent call last):\n")


class _TapResult(unittest.TestResult):
    def __init__(self, stream, count):
        super().__init__(stream)
        self._number = 0
        print(f"TAP version 13\n1..{count}", flush=True)

    def _say(self, verdict, test, directive="", detail=""):
        self._number += 1
        print(f"{verdict} {self._number} - {test.id().removeprefix('__main__.')}{directive}", flush=True)
        for line in detail.splitlines():
            print(f"# {line}", flush=True)

    def startTest(self, test):
        super().startTest(test)
        self._parts = []

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self._parts.append(f"{subtest.id()}\n{_reason(err)}")

    def addSuccess(self, test):
        super().addSuccess(test)
        self._say("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._say("not ok", test, detail=_reason(err))

    addError = addFailure

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._say("ok", test, f" # SKIP {reason}")

    def stopTest(self, test):
        super().stopTest(test)
        # unittest reports neither success nor failure for a test of which a part failed.
        if self._parts:
            self._say("not ok", test, detail="\n".join(self._parts))


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = _TapResult(sys.stdout, suite.countTestCases())
    suite.run(result)
    sys.exit(not result.wasSuccessful())
