"""Forgetting: finished summaries taken out of the queues from outside, by a command."""

from dbos import DBOSClient

from roomtone.jobs.durable import SUMMARY_WORK, TIDIED_AT_ONCE, Place

FINISHED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


def forget_summaries(place: Place) -> int:
    """Delete the steps of finished summaries, which hold what people said; of how many."""
    client = DBOSClient(
        system_database_url=place.url,
        dbos_system_schema=place.schema or "dbos",
        retry_connection_errors=False,
    )
    count = 0
    try:
        while finished := client.list_workflows(
            name=SUMMARY_WORK,
            status=FINISHED,
            limit=TIDIED_AT_ONCE,
            load_input=False,
            load_output=False,
        ):
            client.delete_workflows([work.workflow_id for work in finished])
            count += len(finished)
    finally:
        client.destroy()
    return count
