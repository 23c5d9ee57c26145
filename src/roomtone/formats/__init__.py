"""Words to files and files to words: chat, transcripts, subtitles. Pure."""
