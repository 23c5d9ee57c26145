"""Summaries without a cloud: the sentences that carry a meeting, each linked to its place. Pure."""

from roomtone.summaries.extracting import summarise
from roomtone.summaries.summary import Item, Quote, Section, Summary

__all__ = ["Item", "Quote", "Section", "Summary", "summarise"]
